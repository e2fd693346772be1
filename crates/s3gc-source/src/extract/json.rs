//! JSON: every string in a document, or those that paths select.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json_path::{Child, JsonPath, States};
use super::locator::Pass;

/// How deep arrays and objects are in each other, in a document and all documents in its strings, so that no value needs
/// more of the stack than a thread has.
const MAX_NESTED: u8 = 120;

impl Pass<'_> {
    /// Reads every string of a document; `false` if it is not one.
    pub(super) fn try_json(&mut self, text: &str) -> bool {
        Walk { pass: self, states: None, selected: &mut false, strings: &mut false }.document(text)
    }

    /// Reads what the configured paths select in a document.
    ///
    /// A document in which they select nothing, though there are strings in it, has a shape that nobody knows: it is
    /// read whole, and reported.
    pub(super) fn try_selected_json(&mut self, text: &str) -> bool {
        let Some(states) = JsonPath::begin(&self.extractor.json_paths) else { return self.try_json(text) };
        let (mut selected, mut strings) = (false, false);
        let walk = Walk { pass: self, states: Some(states), selected: &mut selected, strings: &mut strings };
        if !walk.document(text) {
            return false;
        }
        if strings && !selected {
            self.misunderstood = true;
            self.try_json(text);
        }
        true
    }
}

/// Walks through a document without building it.
struct Walk<'p, 'a> {
    pass: &'p mut Pass<'a>,
    /// How far the paths have come; `None` where everything is read.
    states: Option<States>,
    /// Whether a path has selected something.
    selected: &'p mut bool,
    /// Whether there are strings that are not blank.
    strings: &'p mut bool,
}

impl<'a> Walk<'_, 'a> {
    fn document(self, text: &str) -> bool {
        let mut parser = serde_json::Deserializer::from_str(text);
        let Self { pass, states, selected, strings } = self;
        let nested = pass.nested;
        let read = Walk { pass: &mut *pass, states, selected, strings }.deserialize(&mut parser).is_ok();
        pass.nested = nested;
        read && parser.end().is_ok()
    }

    /// Goes into an array or an object.
    fn enter<E: Error>(&mut self) -> Result<(), E> {
        if self.pass.nested == MAX_NESTED {
            self.pass.misunderstood = true;
            return Err(E::custom("too deep"));
        }
        self.pass.nested += 1;
        Ok(())
    }

    fn child(&mut self, child: Child<'_>) -> Walk<'_, 'a> {
        let states = self.states.as_ref().and_then(|states| {
            let next = JsonPath::advance(&self.pass.extractor.json_paths, states, child);
            *self.selected |= next.is_none();
            next
        });
        Walk { pass: self.pass, states, selected: self.selected, strings: self.strings }
    }

    fn text(self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        *self.strings = true;
        let Self { pass, states, selected, strings } = self;
        match states {
            None => pass.string(text),
            // A document in a string of a document: the paths go on in it.
            Some(states) if !states.is_empty() && text.trim_start().starts_with(['{', '[']) => {
                pass.deeper(|pass| {
                    Walk { pass, states: Some(states), selected, strings }.document(text.trim());
                });
            }
            Some(_) => {}
        }
    }

    fn number(self, number: impl fmt::Display) {
        if self.states.is_none() {
            self.pass.has_strings = true;
            self.pass.affixes(&number.to_string());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut index = 0;
        while seq.next_element_seed(self.child(Child::Index(index)))?.is_some() {
            index += 1;
        }
        self.pass.nested -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if self.states.is_none() {
                self.pass.string(&name);
            }
            map.next_value_seed(self.child(Child::Name(&name)))?;
        }
        self.pass.nested -= 1;
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(number);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
