--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;

--
-- Name: articles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.articles (
    id integer NOT NULL,
    title character varying(255),
    hero uuid,
    body text,
    blocks json,
    og_image character varying(255)
);

--
-- Name: articles_files; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.articles_files (
    id integer NOT NULL,
    articles_id integer,
    directus_files_id uuid
);

--
-- Name: articles_files_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.articles_files_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: articles_files_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.articles_files_id_seq OWNED BY public.articles_files.id;

--
-- Name: articles_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.articles_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: articles_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.articles_id_seq OWNED BY public.articles.id;

--
-- Name: directus_access; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_access (
    id uuid NOT NULL,
    role uuid,
    "user" uuid,
    policy uuid NOT NULL,
    sort integer
);

--
-- Name: directus_activity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_activity (
    id integer NOT NULL,
    action character varying(45) NOT NULL,
    "user" uuid,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    ip character varying(50),
    user_agent text,
    collection character varying(64) NOT NULL,
    item character varying(255) NOT NULL,
    origin character varying(255)
);

--
-- Name: directus_activity_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_activity_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_activity_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_activity_id_seq OWNED BY public.directus_activity.id;

--
-- Name: directus_collections; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_collections (
    collection character varying(64) NOT NULL,
    icon character varying(64),
    note text,
    display_template character varying(255),
    hidden boolean DEFAULT false NOT NULL,
    singleton boolean DEFAULT false NOT NULL,
    translations json,
    archive_field character varying(64),
    archive_app_filter boolean DEFAULT true NOT NULL,
    archive_value character varying(255),
    unarchive_value character varying(255),
    sort_field character varying(64),
    accountability character varying(255) DEFAULT 'all'::character varying,
    color character varying(255),
    item_duplication_fields json,
    sort integer,
    "group" character varying(64),
    collapse character varying(255) DEFAULT 'open'::character varying NOT NULL,
    preview_url character varying(255),
    versioning boolean DEFAULT false NOT NULL
);

--
-- Name: directus_comments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_comments (
    id uuid NOT NULL,
    collection character varying(64) NOT NULL,
    item character varying(255) NOT NULL,
    comment text NOT NULL,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    date_updated timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    user_updated uuid
);

--
-- Name: directus_dashboards; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_dashboards (
    id uuid NOT NULL,
    name character varying(255) NOT NULL,
    icon character varying(64) DEFAULT 'dashboard'::character varying NOT NULL,
    note text,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    color character varying(255)
);

--
-- Name: directus_deployment_projects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_deployment_projects (
    id uuid NOT NULL,
    deployment uuid NOT NULL,
    external_id character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    url character varying(255),
    framework character varying(255),
    deployable boolean DEFAULT true NOT NULL
);

--
-- Name: directus_deployment_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_deployment_runs (
    id uuid NOT NULL,
    project uuid NOT NULL,
    external_id character varying(255) NOT NULL,
    target character varying(255) NOT NULL,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    status character varying(255),
    url character varying(255),
    started_at timestamp with time zone,
    completed_at timestamp with time zone
);

--
-- Name: directus_deployments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_deployments (
    id uuid NOT NULL,
    provider character varying(255) NOT NULL,
    credentials text,
    options text,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    webhook_ids json,
    webhook_secret character varying(255),
    last_synced_at timestamp with time zone
);

--
-- Name: directus_extensions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_extensions (
    enabled boolean DEFAULT true NOT NULL,
    id uuid NOT NULL,
    folder character varying(255) NOT NULL,
    source character varying(255) NOT NULL,
    bundle uuid
);

--
-- Name: directus_fields; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_fields (
    id integer NOT NULL,
    collection character varying(64) NOT NULL,
    field character varying(64) NOT NULL,
    special character varying(64),
    interface character varying(64),
    options json,
    display character varying(64),
    display_options json,
    readonly boolean DEFAULT false NOT NULL,
    hidden boolean DEFAULT false NOT NULL,
    sort integer,
    width character varying(30) DEFAULT 'full'::character varying,
    translations json,
    note text,
    conditions json,
    required boolean DEFAULT false,
    "group" character varying(64),
    validation json,
    validation_message text,
    searchable boolean DEFAULT true NOT NULL
);

--
-- Name: directus_fields_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_fields_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_fields_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_fields_id_seq OWNED BY public.directus_fields.id;

--
-- Name: directus_files; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_files (
    id uuid NOT NULL,
    storage character varying(255) NOT NULL,
    filename_disk character varying(255),
    filename_download character varying(255) NOT NULL,
    title character varying(255),
    type character varying(255),
    folder uuid,
    uploaded_by uuid,
    created_on timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    modified_by uuid,
    modified_on timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    charset character varying(50),
    filesize bigint,
    width integer,
    height integer,
    duration integer,
    embed character varying(200),
    description text,
    location text,
    tags text,
    metadata json,
    focal_point_x integer,
    focal_point_y integer,
    tus_id character varying(64),
    tus_data json,
    uploaded_on timestamp with time zone
);

--
-- Name: directus_flows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_flows (
    id uuid NOT NULL,
    name character varying(255) NOT NULL,
    icon character varying(64),
    color character varying(255),
    description text,
    status character varying(255) DEFAULT 'active'::character varying NOT NULL,
    trigger character varying(255),
    accountability character varying(255) DEFAULT 'all'::character varying,
    options json,
    operation uuid,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid
);

--
-- Name: directus_folders; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_folders (
    id uuid NOT NULL,
    name character varying(255) NOT NULL,
    parent uuid
);

--
-- Name: directus_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_migrations (
    version character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP
);

--
-- Name: directus_notifications; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_notifications (
    id integer NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    status character varying(255) DEFAULT 'inbox'::character varying,
    recipient uuid NOT NULL,
    sender uuid,
    subject character varying(255) NOT NULL,
    message text,
    collection character varying(64),
    item character varying(255)
);

--
-- Name: directus_notifications_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_notifications_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_notifications_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_notifications_id_seq OWNED BY public.directus_notifications.id;

--
-- Name: directus_operations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_operations (
    id uuid NOT NULL,
    name character varying(255),
    key character varying(255) NOT NULL,
    type character varying(255) NOT NULL,
    position_x integer NOT NULL,
    position_y integer NOT NULL,
    options json,
    resolve uuid,
    reject uuid,
    flow uuid NOT NULL,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid
);

--
-- Name: directus_panels; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_panels (
    id uuid NOT NULL,
    dashboard uuid NOT NULL,
    name character varying(255),
    icon character varying(64) DEFAULT NULL::character varying,
    color character varying(10),
    show_header boolean DEFAULT false NOT NULL,
    note text,
    type character varying(255) NOT NULL,
    position_x integer NOT NULL,
    position_y integer NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    options json,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid
);

--
-- Name: directus_permissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_permissions (
    id integer NOT NULL,
    collection character varying(64) NOT NULL,
    action character varying(10) NOT NULL,
    permissions json,
    validation json,
    presets json,
    fields text,
    policy uuid NOT NULL
);

--
-- Name: directus_permissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_permissions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_permissions_id_seq OWNED BY public.directus_permissions.id;

--
-- Name: directus_policies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_policies (
    id uuid NOT NULL,
    name character varying(100) NOT NULL,
    icon character varying(64) DEFAULT 'badge'::character varying NOT NULL,
    description text,
    ip_access text,
    enforce_tfa boolean DEFAULT false NOT NULL,
    admin_access boolean DEFAULT false NOT NULL,
    app_access boolean DEFAULT false NOT NULL
);

--
-- Name: directus_presets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_presets (
    id integer NOT NULL,
    bookmark character varying(255),
    "user" uuid,
    role uuid,
    collection character varying(64),
    search character varying(100),
    layout character varying(100) DEFAULT 'tabular'::character varying,
    layout_query json,
    layout_options json,
    refresh_interval integer,
    filter json,
    icon character varying(64) DEFAULT 'bookmark'::character varying,
    color character varying(255)
);

--
-- Name: directus_presets_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_presets_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_presets_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_presets_id_seq OWNED BY public.directus_presets.id;

--
-- Name: directus_relations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_relations (
    id integer NOT NULL,
    many_collection character varying(64) NOT NULL,
    many_field character varying(64) NOT NULL,
    one_collection character varying(64),
    one_field character varying(64),
    one_collection_field character varying(64),
    one_allowed_collections text,
    junction_field character varying(64),
    sort_field character varying(64),
    one_deselect_action character varying(255) DEFAULT 'nullify'::character varying NOT NULL
);

--
-- Name: directus_relations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_relations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_relations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_relations_id_seq OWNED BY public.directus_relations.id;

--
-- Name: directus_revisions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_revisions (
    id integer NOT NULL,
    activity integer NOT NULL,
    collection character varying(64) NOT NULL,
    item character varying(255) NOT NULL,
    data json,
    delta json,
    parent integer,
    version uuid
);

--
-- Name: directus_revisions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_revisions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_revisions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_revisions_id_seq OWNED BY public.directus_revisions.id;

--
-- Name: directus_roles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_roles (
    id uuid NOT NULL,
    name character varying(100) NOT NULL,
    icon character varying(64) DEFAULT 'supervised_user_circle'::character varying NOT NULL,
    description text,
    parent uuid
);

--
-- Name: directus_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_sessions (
    token character varying(64) NOT NULL,
    "user" uuid,
    expires timestamp with time zone NOT NULL,
    ip character varying(255),
    user_agent text,
    share uuid,
    origin character varying(255),
    next_token character varying(64)
);

--
-- Name: directus_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_settings (
    id integer NOT NULL,
    project_name character varying(100) DEFAULT 'Directus'::character varying NOT NULL,
    project_url character varying(255),
    project_color character varying(255) DEFAULT '#6644FF'::character varying NOT NULL,
    project_logo uuid,
    public_foreground uuid,
    public_background uuid,
    public_note text,
    auth_login_attempts integer DEFAULT 25,
    auth_password_policy character varying(100),
    storage_asset_transform character varying(7) DEFAULT 'all'::character varying,
    storage_asset_presets json,
    custom_css text,
    storage_default_folder uuid,
    basemaps json,
    mapbox_key character varying(255),
    module_bar json,
    project_descriptor character varying(100),
    default_language character varying(255) DEFAULT 'en-US'::character varying NOT NULL,
    custom_aspect_ratios json,
    public_favicon uuid,
    default_appearance character varying(255) DEFAULT 'auto'::character varying NOT NULL,
    default_theme_light character varying(255),
    theme_light_overrides json,
    default_theme_dark character varying(255),
    theme_dark_overrides json,
    report_error_url character varying(255),
    report_bug_url character varying(255),
    report_feature_url character varying(255),
    public_registration boolean DEFAULT false NOT NULL,
    public_registration_verify_email boolean DEFAULT true NOT NULL,
    public_registration_role uuid,
    public_registration_email_filter json,
    visual_editor_urls json,
    project_id uuid,
    mcp_enabled boolean DEFAULT false NOT NULL,
    mcp_allow_deletes boolean DEFAULT false NOT NULL,
    mcp_prompts_collection character varying(255) DEFAULT NULL::character varying,
    mcp_system_prompt_enabled boolean DEFAULT true NOT NULL,
    mcp_system_prompt text,
    project_owner character varying(255),
    project_usage character varying(255),
    org_name character varying(255),
    product_updates boolean,
    project_status character varying(255),
    ai_openai_api_key text,
    ai_anthropic_api_key text,
    ai_system_prompt text,
    ai_google_api_key text,
    ai_openai_compatible_api_key text,
    ai_openai_compatible_base_url text,
    ai_openai_compatible_name text,
    ai_openai_compatible_models json,
    ai_openai_compatible_headers json,
    ai_openai_allowed_models json,
    ai_anthropic_allowed_models json,
    ai_google_allowed_models json,
    collaborative_editing_enabled boolean DEFAULT false NOT NULL
);

--
-- Name: directus_settings_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.directus_settings_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: directus_settings_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.directus_settings_id_seq OWNED BY public.directus_settings.id;

--
-- Name: directus_shares; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_shares (
    id uuid NOT NULL,
    name character varying(255),
    collection character varying(64) NOT NULL,
    item character varying(255) NOT NULL,
    role uuid,
    password character varying(255),
    user_created uuid,
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    date_start timestamp with time zone,
    date_end timestamp with time zone,
    times_used integer DEFAULT 0,
    max_uses integer
);

--
-- Name: directus_translations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_translations (
    id uuid NOT NULL,
    language character varying(255) NOT NULL,
    key character varying(255) NOT NULL,
    value text NOT NULL
);

--
-- Name: directus_users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_users (
    id uuid NOT NULL,
    first_name character varying(50),
    last_name character varying(50),
    email character varying(128),
    password character varying(255),
    location character varying(255),
    title character varying(50),
    description text,
    tags json,
    avatar uuid,
    language character varying(255) DEFAULT NULL::character varying,
    tfa_secret character varying(255),
    status character varying(16) DEFAULT 'active'::character varying NOT NULL,
    role uuid,
    token character varying(255),
    last_access timestamp with time zone,
    last_page character varying(255),
    provider character varying(128) DEFAULT 'default'::character varying NOT NULL,
    external_identifier character varying(255),
    auth_data json,
    email_notifications boolean DEFAULT true,
    appearance character varying(255),
    theme_dark character varying(255),
    theme_light character varying(255),
    theme_light_overrides json,
    theme_dark_overrides json,
    text_direction character varying(255) DEFAULT 'auto'::character varying NOT NULL
);

--
-- Name: directus_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.directus_versions (
    id uuid NOT NULL,
    key character varying(64) NOT NULL,
    name character varying(255),
    collection character varying(64) NOT NULL,
    item character varying(255) NOT NULL,
    hash character varying(255),
    date_created timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    date_updated timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    user_created uuid,
    user_updated uuid,
    delta json
);

--
-- Name: imports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.imports (
    id integer NOT NULL,
    file uuid
);

--
-- Name: imports_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.imports_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: imports_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.imports_id_seq OWNED BY public.imports.id;

--
-- Name: articles id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles ALTER COLUMN id SET DEFAULT nextval('public.articles_id_seq'::regclass);

--
-- Name: articles_files id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles_files ALTER COLUMN id SET DEFAULT nextval('public.articles_files_id_seq'::regclass);

--
-- Name: directus_activity id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_activity ALTER COLUMN id SET DEFAULT nextval('public.directus_activity_id_seq'::regclass);

--
-- Name: directus_fields id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_fields ALTER COLUMN id SET DEFAULT nextval('public.directus_fields_id_seq'::regclass);

--
-- Name: directus_notifications id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_notifications ALTER COLUMN id SET DEFAULT nextval('public.directus_notifications_id_seq'::regclass);

--
-- Name: directus_permissions id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_permissions ALTER COLUMN id SET DEFAULT nextval('public.directus_permissions_id_seq'::regclass);

--
-- Name: directus_presets id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_presets ALTER COLUMN id SET DEFAULT nextval('public.directus_presets_id_seq'::regclass);

--
-- Name: directus_relations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_relations ALTER COLUMN id SET DEFAULT nextval('public.directus_relations_id_seq'::regclass);

--
-- Name: directus_revisions id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_revisions ALTER COLUMN id SET DEFAULT nextval('public.directus_revisions_id_seq'::regclass);

--
-- Name: directus_settings id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings ALTER COLUMN id SET DEFAULT nextval('public.directus_settings_id_seq'::regclass);

--
-- Name: imports id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports ALTER COLUMN id SET DEFAULT nextval('public.imports_id_seq'::regclass);

--
-- Data for Name: articles; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.articles VALUES
	(1, 'Pictures', 'c29cf51a-34b0-4618-99af-daa3632f23ab', '<p><img src="https://cms.example.com/assets/c1bb149e-4cbb-4520-86ff-0c47f8214103?width=300&amp;fit=cover" alt=""></p><p><a href="https://cms.example.com/assets/9989fc16-e2eb-472d-be5d-5741a64b6247?download">Paper</a></p>', '[{"type":"image","data":{"file":{"fileId":"b4a14f04-bd93-4964-a485-690e1e15d12f"}}},{"type":"divider"}]', 'https://media.example.com/Old%20photo%20%281%29.png'),
	(2, 'Nothing in it', NULL, NULL, NULL, '');

--
-- Data for Name: articles_files; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.articles_files VALUES
	(1, 1, '43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c'),
	(2, 1, '3dea1c2f-f289-42c2-a0ea-54652989166a');

--
-- Data for Name: directus_access; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_access VALUES
	('9c2074e3-ffae-49c1-b2b9-3799ead1c98d', NULL, NULL, 'abf8a154-5b1c-4a46-ac9c-7300570f4f17', 1),
	('6149a09c-02b8-4d79-b398-e9ec0a936d71', '9d0a0af3-f171-4390-9774-10030add5241', NULL, 'f89b1ec9-d1af-4669-bfbb-310d30ed61e0', NULL);

--
-- Data for Name: directus_activity; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_activity VALUES
	(1, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.638+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '1', NULL),
	(2, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.644+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '2', NULL),
	(3, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.648+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '3', NULL),
	(4, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.651+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '4', NULL),
	(5, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.657+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '5', NULL),
	(6, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.66+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '6', NULL),
	(7, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.664+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_collections', 'articles', NULL),
	(8, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.765+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '7', NULL),
	(9, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.769+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '8', NULL),
	(10, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.772+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '9', NULL),
	(11, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.776+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_collections', 'articles_files', NULL),
	(12, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.899+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '10', NULL),
	(13, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.902+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_fields', '11', NULL),
	(14, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.905+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_collections', 'imports', NULL),
	(15, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:47.983+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_folders', 'fa23805c-5d18-436b-93a5-651d295afc4a', NULL),
	(16, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.143+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '6a1551ba-10b4-4206-bf4a-81527f50e4b6', NULL),
	(17, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.223+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '52452380-47dc-4bad-b026-145316f5dd07', NULL),
	(18, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.255+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'c29cf51a-34b0-4618-99af-daa3632f23ab', NULL),
	(19, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.301+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'c1bb149e-4cbb-4520-86ff-0c47f8214103', NULL),
	(20, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.347+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'b4a14f04-bd93-4964-a485-690e1e15d12f', NULL),
	(21, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.389+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'c6583596-e2bc-4278-b341-0c588258a94d', NULL),
	(22, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.423+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'ca56a784-8319-4b3d-8355-1d5259d600ac', NULL),
	(23, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.472+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'a7681b93-2ddf-4fda-82fe-a985060ab03f', NULL),
	(24, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.522+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '22d0954c-c84e-4eeb-b2a3-72d919625f21', NULL),
	(25, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.556+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '43af23c5-028e-40bd-ad44-9dba9d56680c', NULL),
	(26, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.601+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c', NULL),
	(27, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.655+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '3dea1c2f-f289-42c2-a0ea-54652989166a', NULL),
	(28, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.685+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '95649339-d9d6-4853-b625-57c34cd5d521', NULL),
	(29, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.715+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'e4516352-338b-4538-9e68-4821a5cc7d53', NULL),
	(30, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.746+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '9989fc16-e2eb-472d-be5d-5741a64b6247', NULL),
	(31, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.782+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '0b8614b5-355d-4298-bee6-4097bf9c19d5', NULL),
	(32, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.825+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '72c77adc-dad8-45bc-91a4-8c3782a0a259', NULL),
	(33, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.868+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '6568510a-b0da-4d48-a835-e13ef9b865b6', NULL),
	(34, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.907+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '0e0f6631-0e84-4e53-a3c9-51464075303c', NULL),
	(35, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.972+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '0f5477ef-7e68-4022-841f-270a33aff8d1', NULL),
	(36, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.015+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'e7bf031e-fb2e-4c1c-9b63-94ae31501d22', NULL),
	(37, 'update', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.072+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_users', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', NULL),
	(38, 'update', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.107+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_settings', '1', NULL),
	(39, 'update', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.125+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_settings', '1', NULL),
	(40, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.148+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '364b151d-19dd-4db0-9b2d-a6ba5efec09e', NULL),
	(41, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.191+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '515e5114-a01a-40f1-a911-af5ee5e52a25', NULL),
	(42, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.222+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '667d5918-65d2-4623-aab0-710f3c084a33', NULL),
	(43, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.256+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'e1625957-7790-44e5-86bb-b4d26384ad8e', NULL),
	(44, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.291+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'ec3b9aee-5847-4920-b38d-c7381b5d768a', NULL),
	(45, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.335+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'eb3a9c1d-afbb-4744-bdf9-d42a35c49f5f', NULL),
	(46, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.369+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '5649d2d6-bf08-40ef-8c0c-f524c110a2c4', NULL),
	(47, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.88+00', '127.0.0.1', 'python-requests/2.34.2', 'articles', '1', NULL),
	(48, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.893+00', '127.0.0.1', 'python-requests/2.34.2', 'articles_files', '1', NULL),
	(49, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.908+00', '127.0.0.1', 'python-requests/2.34.2', 'articles_files', '2', NULL),
	(50, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.921+00', '127.0.0.1', 'python-requests/2.34.2', 'articles', '2', NULL),
	(51, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.933+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'f4d25b23-19fb-44e1-b114-898b729798be', NULL),
	(52, 'delete', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.067+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'f4d25b23-19fb-44e1-b114-898b729798be', NULL),
	(53, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.133+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '5939de23-f00d-452b-94c8-256774236476', NULL),
	(54, 'delete', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.267+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '5939de23-f00d-452b-94c8-256774236476', NULL),
	(55, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.32+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '026d2b23-aacd-40c0-be83-984ad3e9be95', NULL),
	(56, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.353+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'fb4068fc-3ef8-4225-a331-edb7e570bde3', NULL),
	(57, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.382+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '3d780cb2-eeda-4b17-9ee1-6d1ecddd9830', NULL),
	(58, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.409+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '0f68c81a-ee5f-4e2b-9db7-cd94da3778eb', NULL),
	(59, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.642+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'f0527b5a-0119-401a-84e1-c8d88f97a714', NULL),
	(60, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.677+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '8cc33d8f-a109-4a91-8320-fae28e57afc7', NULL),
	(61, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.714+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '653f239d-9d88-417d-a221-1ed23ad0f565', NULL),
	(62, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.853+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', NULL),
	(63, 'update', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.991+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', NULL),
	(64, 'update', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.047+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', NULL),
	(65, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.093+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '07c6504d-698c-4cb8-8697-b3d96c2b0f73', NULL),
	(66, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.148+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '0605e1aa-43ad-43b4-9500-ba0dbb2e7757', NULL),
	(67, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.214+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '76675653-c4ed-41c6-bad4-5caf472df865', NULL),
	(68, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.266+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', 'bf28ce6f-1210-4281-95a7-3f3dad048e0f', NULL),
	(69, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.281+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '99b0fe69-ce28-43fe-b7bb-3b22daa862e6', NULL),
	(70, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.326+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '210ff2e3-80c1-4e8e-b80f-3f80a73102d2', NULL),
	(71, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.412+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '72fffdcd-8974-4972-8a1c-bd79e62c80b3', NULL),
	(72, 'create', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.457+00', '127.0.0.1', 'python-requests/2.34.2', 'directus_files', '20cd4b8d-41be-491a-a083-c38cac24d470', NULL);

--
-- Data for Name: directus_collections; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_collections VALUES
	('articles', NULL, NULL, NULL, false, false, NULL, NULL, true, NULL, NULL, NULL, 'all', NULL, NULL, NULL, NULL, 'open', NULL, false),
	('articles_files', NULL, NULL, NULL, false, false, NULL, NULL, true, NULL, NULL, NULL, 'all', NULL, NULL, NULL, NULL, 'open', NULL, false),
	('imports', NULL, NULL, NULL, false, false, NULL, NULL, true, NULL, NULL, NULL, 'all', NULL, NULL, NULL, NULL, 'open', NULL, false);

--
-- Data for Name: directus_comments; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_dashboards; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_deployment_projects; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_deployment_runs; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_deployments; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_extensions; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_fields; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_fields VALUES
	(1, 'articles', 'id', NULL, NULL, NULL, NULL, NULL, false, false, 1, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(2, 'articles', 'title', NULL, NULL, NULL, NULL, NULL, false, false, 2, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(3, 'articles', 'hero', NULL, NULL, NULL, NULL, NULL, false, false, 3, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(4, 'articles', 'body', NULL, NULL, NULL, NULL, NULL, false, false, 4, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(5, 'articles', 'blocks', 'cast-json', NULL, NULL, NULL, NULL, false, false, 5, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(6, 'articles', 'og_image', NULL, NULL, NULL, NULL, NULL, false, false, 6, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(7, 'articles_files', 'id', NULL, NULL, NULL, NULL, NULL, false, false, 1, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(8, 'articles_files', 'articles_id', NULL, NULL, NULL, NULL, NULL, false, false, 2, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(9, 'articles_files', 'directus_files_id', NULL, NULL, NULL, NULL, NULL, false, false, 3, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(10, 'imports', 'id', NULL, NULL, NULL, NULL, NULL, false, false, 1, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true),
	(11, 'imports', 'file', NULL, NULL, NULL, NULL, NULL, false, false, 2, 'full', NULL, NULL, NULL, false, NULL, NULL, NULL, true);

--
-- Data for Name: directus_files; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_files VALUES
	('6a1551ba-10b4-4206-bf4a-81527f50e4b6', 's3', '6a1551ba-10b4-4206-bf4a-81527f50e4b6.png', 'library 0.png', 'Library 0', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.139+00', NULL, '2026-11-26 12:57:48.205+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.204+00'),
	('52452380-47dc-4bad-b026-145316f5dd07', 's3', '52452380-47dc-4bad-b026-145316f5dd07.png', 'library 1.png', 'Library 1', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.222+00', NULL, '2026-11-26 12:57:48.244+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.243+00'),
	('c29cf51a-34b0-4618-99af-daa3632f23ab', 's3', 'c29cf51a-34b0-4618-99af-daa3632f23ab.png', 'library 2.png', 'Library 2', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.254+00', NULL, '2026-11-26 12:57:48.283+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.283+00'),
	('c1bb149e-4cbb-4520-86ff-0c47f8214103', 's3', 'c1bb149e-4cbb-4520-86ff-0c47f8214103.png', 'library 3.png', 'Library 3', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.298+00', NULL, '2026-11-26 12:57:48.329+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.328+00'),
	('b4a14f04-bd93-4964-a485-690e1e15d12f', 's3', 'b4a14f04-bd93-4964-a485-690e1e15d12f.png', 'library 4.png', 'Library 4', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.342+00', NULL, '2026-11-26 12:57:48.376+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.375+00'),
	('c6583596-e2bc-4278-b341-0c588258a94d', 's3', 'c6583596-e2bc-4278-b341-0c588258a94d.png', 'library 5.png', 'Library 5', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.387+00', NULL, '2026-11-26 12:57:48.409+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.409+00'),
	('ca56a784-8319-4b3d-8355-1d5259d600ac', 's3', 'ca56a784-8319-4b3d-8355-1d5259d600ac.png', 'library 6.png', 'Library 6', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.422+00', NULL, '2026-11-26 12:57:48.46+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.46+00'),
	('a7681b93-2ddf-4fda-82fe-a985060ab03f', 's3', 'a7681b93-2ddf-4fda-82fe-a985060ab03f.png', 'library 7.png', 'Library 7', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.471+00', NULL, '2026-11-26 12:57:48.509+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.509+00'),
	('22d0954c-c84e-4eeb-b2a3-72d919625f21', 's3', '22d0954c-c84e-4eeb-b2a3-72d919625f21.png', 'library 8.png', 'Library 8', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.521+00', NULL, '2026-11-26 12:57:48.542+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.541+00'),
	('43af23c5-028e-40bd-ad44-9dba9d56680c', 's3', '43af23c5-028e-40bd-ad44-9dba9d56680c.png', 'library 9.png', 'Library 9', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.555+00', NULL, '2026-11-26 12:57:48.581+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.581+00'),
	('43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c', 's3', '43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c.png', 'press 0.png', 'Press picture 0', 'image/png', 'fa23805c-5d18-436b-93a5-651d295afc4a', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.599+00', NULL, '2026-11-26 12:57:48.641+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, '["a","b"]', '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.64+00'),
	('3dea1c2f-f289-42c2-a0ea-54652989166a', 's3', '3dea1c2f-f289-42c2-a0ea-54652989166a.png', 'press 1.png', 'Press picture 1', 'image/png', 'fa23805c-5d18-436b-93a5-651d295afc4a', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.654+00', NULL, '2026-11-26 12:57:48.673+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, '["a","b"]', '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.673+00'),
	('95649339-d9d6-4853-b625-57c34cd5d521', 's3', '95649339-d9d6-4853-b625-57c34cd5d521.png', 'press 2.png', 'Press picture 2', 'image/png', 'fa23805c-5d18-436b-93a5-651d295afc4a', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.684+00', NULL, '2026-11-26 12:57:48.703+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, '["a","b"]', '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.703+00'),
	('e4516352-338b-4538-9e68-4821a5cc7d53', 's3', 'e4516352-338b-4538-9e68-4821a5cc7d53.png', 'press 3.png', 'Press picture 3', 'image/png', 'fa23805c-5d18-436b-93a5-651d295afc4a', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.714+00', NULL, '2026-11-26 12:57:48.734+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, '["a","b"]', '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.734+00'),
	('9989fc16-e2eb-472d-be5d-5741a64b6247', 's3', '9989fc16-e2eb-472d-be5d-5741a64b6247.pdf', 'paper 0.pdf', 'Paper 0', 'application/pdf', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.745+00', NULL, '2026-11-26 12:57:48.76+00', NULL, 50, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.759+00'),
	('0b8614b5-355d-4298-bee6-4097bf9c19d5', 's3', '0b8614b5-355d-4298-bee6-4097bf9c19d5.pdf', 'paper 1.pdf', 'Paper 1', 'application/pdf', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.78+00', NULL, '2026-11-26 12:57:48.805+00', NULL, 50, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.804+00'),
	('72c77adc-dad8-45bc-91a4-8c3782a0a259', 's3', '72c77adc-dad8-45bc-91a4-8c3782a0a259.pdf', 'paper 2.pdf', 'Paper 2', 'application/pdf', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.824+00', NULL, '2026-11-26 12:57:48.849+00', NULL, 50, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.847+00'),
	('6568510a-b0da-4d48-a835-e13ef9b865b6', 's3', '6568510a-b0da-4d48-a835-e13ef9b865b6.txt', 'notes.txt', 'Notes', 'text/plain', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.867+00', NULL, '2026-11-26 12:57:48.892+00', NULL, 6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.887+00'),
	('0e0f6631-0e84-4e53-a3c9-51464075303c', 's3', '0e0f6631-0e84-4e53-a3c9-51464075303c.png', 'avatar.png', 'Avatar', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.903+00', NULL, '2026-11-26 12:57:48.951+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.948+00'),
	('0f5477ef-7e68-4022-841f-270a33aff8d1', 's3', '0f5477ef-7e68-4022-841f-270a33aff8d1.png', 'logo.png', 'Logo', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:48.971+00', NULL, '2026-11-26 12:57:48.998+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:48.995+00'),
	('e7bf031e-fb2e-4c1c-9b63-94ae31501d22', 's3', 'e7bf031e-fb2e-4c1c-9b63-94ae31501d22.png', 'background.png', 'Background', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.014+00', NULL, '2026-11-26 12:57:49.041+00', NULL, 89, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.04+00'),
	('364b151d-19dd-4db0-9b2d-a6ba5efec09e', 's3', 'Old photo (1).png', 'Old photo (1).png', 'Old Photo (1)', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.147+00', NULL, '2026-11-26 12:57:49.176+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.175+00'),
	('515e5114-a01a-40f1-a911-af5ee5e52a25', 's3', '100% sure.png', '100% sure.png', '100% Sure', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.187+00', NULL, '2026-11-26 12:57:49.212+00', NULL, 89, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.211+00'),
	('667d5918-65d2-4623-aab0-710f3c084a33', 's3', 'C++ & more.png', 'C++ & more.png', 'C++ & More', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.221+00', NULL, '2026-11-26 12:57:49.244+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.243+00'),
	('e1625957-7790-44e5-86bb-b4d26384ad8e', 's3', 'with%20escape.png', 'with%20escape.png', 'With%20escape', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.255+00', NULL, '2026-11-26 12:57:49.276+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.275+00'),
	('ec3b9aee-5847-4920-b38d-c7381b5d768a', 's3', 'Übersicht.png', 'Übersicht.png', 'Übersicht', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.29+00', NULL, '2026-11-26 12:57:49.315+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.314+00'),
	('eb3a9c1d-afbb-4744-bdf9-d42a35c49f5f', 's3', '写真.png', '写真.png', '写真', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.33+00', NULL, '2026-11-26 12:57:49.353+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.352+00'),
	('5649d2d6-bf08-40ef-8c0c-f524c110a2c4', 's3', 'Ångström.png', 'Ångström.png', 'Ångström', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:49.368+00', NULL, '2026-11-26 12:57:49.395+00', NULL, 89, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:49.394+00'),
	('bf28ce6f-1210-4281-95a7-3f3dad048e0f', 's3', NULL, 'later.png', 'Announced', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.265+00', NULL, '2026-11-26 12:57:51.265+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('addd8320-6b15-4f46-95bf-a3258aa6936a', 's3', 'addd8320-6b15-4f46-95bf-a3258aa6936a.jpg', 'changed.jpg', 'Changed', 'image/jpeg', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:50.852+00', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.046+00', NULL, 287, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:51.043+00'),
	('99b0fe69-ce28-43fe-b7bb-3b22daa862e6', 's3', 'Résumé.png', 'Résumé.png', 'Résumé', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.28+00', NULL, '2026-11-26 12:57:51.311+00', NULL, 89, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:51.31+00'),
	('76675653-c4ed-41c6-bad4-5caf472df865', 's3', '76675653-c4ed-41c6-bad4-5caf472df865.png', 'lost.png', 'Lost', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.213+00', NULL, '2026-11-26 12:57:51.239+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:51.239+00'),
	('72fffdcd-8974-4972-8a1c-bd79e62c80b3', 'archive', '72fffdcd-8974-4972-8a1c-bd79e62c80b3.png', 'moved.png', 'Moved', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.411+00', NULL, '2026-11-26 12:57:51.443+00', NULL, 88, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:51.443+00'),
	('20cd4b8d-41be-491a-a083-c38cac24d470', 'archive', '20cd4b8d-41be-491a-a083-c38cac24d470.png', 'kept in the archive.png', 'Kept in the Archive', 'image/png', NULL, '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '2026-11-26 12:57:51.457+00', NULL, '2026-11-26 12:57:51.485+00', NULL, 87, 4, 3, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-26 12:57:51.484+00');

--
-- Data for Name: directus_flows; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_folders; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_folders VALUES
	('fa23805c-5d18-436b-93a5-651d295afc4a', 'Press', NULL);

--
-- Data for Name: directus_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_migrations VALUES
	('20201028A', 'Remove Collection Foreign Keys', '2026-11-26 12:57:42.718171+00'),
	('20201029A', 'Remove System Relations', '2026-11-26 12:57:42.723288+00'),
	('20201029B', 'Remove System Collections', '2026-11-26 12:57:42.735418+00'),
	('20201029C', 'Remove System Fields', '2026-11-26 12:57:42.746414+00'),
	('20201105A', 'Add Cascade System Relations', '2026-11-26 12:57:42.761411+00'),
	('20201105B', 'Change Webhook URL Type', '2026-11-26 12:57:42.765408+00'),
	('20210225A', 'Add Relations Sort Field', '2026-11-26 12:57:42.768799+00'),
	('20210304A', 'Remove Locked Fields', '2026-11-26 12:57:42.77027+00'),
	('20210312A', 'Webhooks Collections Text', '2026-11-26 12:57:42.777747+00'),
	('20210331A', 'Add Refresh Interval', '2026-11-26 12:57:42.779216+00'),
	('20210415A', 'Make Filesize Nullable', '2026-11-26 12:57:42.781976+00'),
	('20210416A', 'Add Collections Accountability', '2026-11-26 12:57:42.784129+00'),
	('20210422A', 'Remove Files Interface', '2026-11-26 12:57:42.785525+00'),
	('20210506A', 'Rename Interfaces', '2026-11-26 12:57:42.800425+00'),
	('20210510A', 'Restructure Relations', '2026-11-26 12:57:42.805697+00'),
	('20210518A', 'Add Foreign Key Constraints', '2026-11-26 12:57:42.810341+00'),
	('20210519A', 'Add System Fk Triggers', '2026-11-26 12:57:42.823055+00'),
	('20210521A', 'Add Collections Icon Color', '2026-11-26 12:57:42.824547+00'),
	('20210525A', 'Add Insights', '2026-11-26 12:57:42.830021+00'),
	('20210608A', 'Add Deep Clone Config', '2026-11-26 12:57:42.831277+00'),
	('20210626A', 'Change Filesize Bigint', '2026-11-26 12:57:42.83543+00'),
	('20210716A', 'Add Conditions to Fields', '2026-11-26 12:57:42.836508+00'),
	('20210721A', 'Add Default Folder', '2026-11-26 12:57:42.839258+00'),
	('20210802A', 'Replace Groups', '2026-11-26 12:57:42.841799+00'),
	('20210803A', 'Add Required to Fields', '2026-11-26 12:57:42.842902+00'),
	('20210805A', 'Update Groups', '2026-11-26 12:57:42.844812+00'),
	('20210805B', 'Change Image Metadata Structure', '2026-11-26 12:57:42.849595+00'),
	('20210811A', 'Add Geometry Config', '2026-11-26 12:57:42.851086+00'),
	('20210831A', 'Remove Limit Column', '2026-11-26 12:57:42.852155+00'),
	('20210903A', 'Add Auth Provider', '2026-11-26 12:57:42.858205+00'),
	('20210907A', 'Webhooks Collections Not Null', '2026-11-26 12:57:42.860897+00'),
	('20210910A', 'Move Module Setup', '2026-11-26 12:57:42.862226+00'),
	('20210920A', 'Webhooks URL Not Null', '2026-11-26 12:57:42.864681+00'),
	('20210924A', 'Add Collection Organization', '2026-11-26 12:57:42.867407+00'),
	('20210927A', 'Replace Fields Group', '2026-11-26 12:57:42.870978+00'),
	('20210927B', 'Replace M2M Interface', '2026-11-26 12:57:42.872089+00'),
	('20210929A', 'Rename Login Action', '2026-11-26 12:57:42.873106+00'),
	('20211007A', 'Update Presets', '2026-11-26 12:57:42.875822+00'),
	('20211009A', 'Add Auth Data', '2026-11-26 12:57:42.87684+00'),
	('20211016A', 'Add Webhook Headers', '2026-11-26 12:57:42.879098+00'),
	('20211103A', 'Set Unique to User Token', '2026-11-26 12:57:42.880435+00'),
	('20211103B', 'Update Special Geometry', '2026-11-26 12:57:42.882907+00'),
	('20211104A', 'Remove Collections Listing', '2026-11-26 12:57:42.884168+00'),
	('20211118A', 'Add Notifications', '2026-11-26 12:57:42.890765+00'),
	('20211211A', 'Add Shares', '2026-11-26 12:57:42.897274+00'),
	('20211230A', 'Add Project Descriptor', '2026-11-26 12:57:42.898641+00'),
	('20220303A', 'Remove Default Project Color', '2026-11-26 12:57:42.901463+00'),
	('20220308A', 'Add Bookmark Icon and Color', '2026-11-26 12:57:42.902615+00'),
	('20220314A', 'Add Translation Strings', '2026-11-26 12:57:42.903691+00'),
	('20220322A', 'Rename Field Typecast Flags', '2026-11-26 12:57:42.906207+00'),
	('20220323A', 'Add Field Validation', '2026-11-26 12:57:42.907427+00'),
	('20220325A', 'Fix Typecast Flags', '2026-11-26 12:57:42.909762+00'),
	('20220325B', 'Add Default Language', '2026-11-26 12:57:42.913396+00'),
	('20220402A', 'Remove Default Value Panel Icon', '2026-11-26 12:57:42.917076+00'),
	('20220429A', 'Add Flows', '2026-11-26 12:57:42.926075+00'),
	('20220429B', 'Add Color to Insights Icon', '2026-11-26 12:57:42.927352+00'),
	('20220429C', 'Drop Non Null From IP of Activity', '2026-11-26 12:57:42.928427+00'),
	('20220429D', 'Drop Non Null From Sender of Notifications', '2026-11-26 12:57:42.929433+00'),
	('20220614A', 'Rename Hook Trigger to Event', '2026-11-26 12:57:42.930488+00'),
	('20220801A', 'Update Notifications Timestamp Column', '2026-11-26 12:57:42.933163+00'),
	('20220802A', 'Add Custom Aspect Ratios', '2026-11-26 12:57:42.934247+00'),
	('20220826A', 'Add Origin to Accountability', '2026-11-26 12:57:42.93565+00'),
	('20230401A', 'Update Material Icons', '2026-11-26 12:57:42.938961+00'),
	('20230525A', 'Add Preview Settings', '2026-11-26 12:57:42.940048+00'),
	('20230526A', 'Migrate Translation Strings', '2026-11-26 12:57:42.94392+00'),
	('20230721A', 'Require Shares Fields', '2026-11-26 12:57:42.946345+00'),
	('20230823A', 'Add Content Versioning', '2026-11-26 12:57:42.953347+00'),
	('20230927A', 'Themes', '2026-11-26 12:57:42.960599+00'),
	('20231009A', 'Update CSV Fields to Text', '2026-11-26 12:57:42.963227+00'),
	('20231009B', 'Update Panel Options', '2026-11-26 12:57:42.964449+00'),
	('20231010A', 'Add Extensions', '2026-11-26 12:57:42.965982+00'),
	('20231215A', 'Add Focalpoints', '2026-11-26 12:57:42.967118+00'),
	('20240122A', 'Add Report URL Fields', '2026-11-26 12:57:42.968284+00'),
	('20240204A', 'Marketplace', '2026-11-26 12:57:42.976144+00'),
	('20240305A', 'Change Useragent Type', '2026-11-26 12:57:42.981931+00'),
	('20240311A', 'Deprecate Webhooks', '2026-11-26 12:57:42.987619+00'),
	('20240422A', 'Public Registration', '2026-11-26 12:57:42.98986+00'),
	('20240515A', 'Add Session Window', '2026-11-26 12:57:42.991702+00'),
	('20240701A', 'Add Tus Data', '2026-11-26 12:57:42.992859+00'),
	('20240716A', 'Update Files Date Fields', '2026-11-26 12:57:42.995907+00'),
	('20240806A', 'Permissions Policies', '2026-11-26 12:57:43.012229+00'),
	('20240817A', 'Update Icon Fields Length', '2026-11-26 12:57:43.020402+00'),
	('20240909A', 'Separate Comments', '2026-11-26 12:57:43.025435+00'),
	('20240909B', 'Consolidate Content Versioning', '2026-11-26 12:57:43.026666+00'),
	('20240924A', 'Migrate Legacy Comments', '2026-11-26 12:57:43.02949+00'),
	('20240924B', 'Populate Versioning Deltas', '2026-11-26 12:57:43.032409+00'),
	('20250224A', 'Visual Editor', '2026-11-26 12:57:43.034191+00'),
	('20250609A', 'License Banner', '2026-11-26 12:57:43.036526+00'),
	('20250613A', 'Add Project ID', '2026-11-26 12:57:43.047528+00'),
	('20250718A', 'Add Direction', '2026-11-26 12:57:43.048927+00'),
	('20250813A', 'Add MCP', '2026-11-26 12:57:43.050535+00'),
	('20251012A', 'Add Field Searchable', '2026-11-26 12:57:43.051635+00'),
	('20251014A', 'Add Project Owner', '2026-11-26 12:57:43.088702+00'),
	('20251028A', 'Add Retention Indexes', '2026-11-26 12:57:43.134166+00'),
	('20251103A', 'Add AI Settings', '2026-11-26 12:57:43.136016+00'),
	('20251224A', 'Remove Webhooks', '2026-11-26 12:57:43.138242+00'),
	('20260110A', 'Add AI Provider Settings', '2026-11-26 12:57:43.140495+00'),
	('20260113A', 'Add Revisions Index', '2026-11-26 12:57:43.152183+00'),
	('20260128A', 'Add Collaborative Editing', '2026-11-26 12:57:43.153797+00'),
	('20260204A', 'Add Deployment', '2026-11-26 12:57:43.163587+00');
INSERT INTO public.directus_migrations VALUES
	('20260211A', 'Add Deployment Webhooks', '2026-11-26 12:57:43.166689+00');

--
-- Data for Name: directus_notifications; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_operations; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_panels; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_permissions; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_policies; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_policies VALUES
	('abf8a154-5b1c-4a46-ac9c-7300570f4f17', '$t:public_label', 'public', '$t:public_description', NULL, false, false, false),
	('f89b1ec9-d1af-4669-bfbb-310d30ed61e0', 'Administrator', 'verified', '$t:admin_description', NULL, false, true, true);

--
-- Data for Name: directus_presets; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_relations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_relations VALUES
	(1, 'articles', 'hero', 'directus_files', NULL, NULL, NULL, NULL, NULL, 'nullify'),
	(2, 'articles_files', 'articles_id', 'articles', NULL, NULL, NULL, NULL, NULL, 'nullify'),
	(3, 'articles_files', 'directus_files_id', 'directus_files', NULL, NULL, NULL, NULL, NULL, 'nullify'),
	(4, 'imports', 'file', 'directus_files', NULL, NULL, NULL, NULL, NULL, 'nullify');

--
-- Data for Name: directus_revisions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_revisions VALUES
	(1, 1, 'directus_fields', '1', '{"sort":1,"field":"id","collection":"articles"}', '{"sort":1,"field":"id","collection":"articles"}', NULL, NULL),
	(2, 2, 'directus_fields', '2', '{"sort":2,"field":"title","collection":"articles"}', '{"sort":2,"field":"title","collection":"articles"}', NULL, NULL),
	(3, 3, 'directus_fields', '3', '{"sort":3,"field":"hero","collection":"articles"}', '{"sort":3,"field":"hero","collection":"articles"}', NULL, NULL),
	(4, 4, 'directus_fields', '4', '{"sort":4,"field":"body","collection":"articles"}', '{"sort":4,"field":"body","collection":"articles"}', NULL, NULL),
	(5, 5, 'directus_fields', '5', '{"sort":5,"field":"blocks","collection":"articles","special":["cast-json"]}', '{"sort":5,"field":"blocks","collection":"articles","special":["cast-json"]}', NULL, NULL),
	(6, 6, 'directus_fields', '6', '{"sort":6,"field":"og_image","collection":"articles"}', '{"sort":6,"field":"og_image","collection":"articles"}', NULL, NULL),
	(7, 7, 'directus_collections', 'articles', '{"collection":"articles"}', '{"collection":"articles"}', NULL, NULL),
	(8, 8, 'directus_fields', '7', '{"sort":1,"field":"id","collection":"articles_files"}', '{"sort":1,"field":"id","collection":"articles_files"}', NULL, NULL),
	(9, 9, 'directus_fields', '8', '{"sort":2,"field":"articles_id","collection":"articles_files"}', '{"sort":2,"field":"articles_id","collection":"articles_files"}', NULL, NULL),
	(10, 10, 'directus_fields', '9', '{"sort":3,"field":"directus_files_id","collection":"articles_files"}', '{"sort":3,"field":"directus_files_id","collection":"articles_files"}', NULL, NULL),
	(11, 11, 'directus_collections', 'articles_files', '{"collection":"articles_files"}', '{"collection":"articles_files"}', NULL, NULL),
	(12, 12, 'directus_fields', '10', '{"sort":1,"field":"id","collection":"imports"}', '{"sort":1,"field":"id","collection":"imports"}', NULL, NULL),
	(13, 13, 'directus_fields', '11', '{"sort":2,"field":"file","collection":"imports"}', '{"sort":2,"field":"file","collection":"imports"}', NULL, NULL),
	(14, 14, 'directus_collections', 'imports', '{"collection":"imports"}', '{"collection":"imports"}', NULL, NULL),
	(15, 15, 'directus_folders', 'fa23805c-5d18-436b-93a5-651d295afc4a', '{"name":"Press"}', '{"name":"Press"}', NULL, NULL),
	(16, 16, 'directus_files', '6a1551ba-10b4-4206-bf4a-81527f50e4b6', '{"title":"Library 0","filename_download":"library 0.png","type":"image/png","storage":"s3"}', '{"title":"Library 0","filename_download":"library 0.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(17, 17, 'directus_files', '52452380-47dc-4bad-b026-145316f5dd07', '{"title":"Library 1","filename_download":"library 1.png","type":"image/png","storage":"s3"}', '{"title":"Library 1","filename_download":"library 1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(18, 18, 'directus_files', 'c29cf51a-34b0-4618-99af-daa3632f23ab', '{"title":"Library 2","filename_download":"library 2.png","type":"image/png","storage":"s3"}', '{"title":"Library 2","filename_download":"library 2.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(19, 19, 'directus_files', 'c1bb149e-4cbb-4520-86ff-0c47f8214103', '{"title":"Library 3","filename_download":"library 3.png","type":"image/png","storage":"s3"}', '{"title":"Library 3","filename_download":"library 3.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(20, 20, 'directus_files', 'b4a14f04-bd93-4964-a485-690e1e15d12f', '{"title":"Library 4","filename_download":"library 4.png","type":"image/png","storage":"s3"}', '{"title":"Library 4","filename_download":"library 4.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(21, 21, 'directus_files', 'c6583596-e2bc-4278-b341-0c588258a94d', '{"title":"Library 5","filename_download":"library 5.png","type":"image/png","storage":"s3"}', '{"title":"Library 5","filename_download":"library 5.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(22, 22, 'directus_files', 'ca56a784-8319-4b3d-8355-1d5259d600ac', '{"title":"Library 6","filename_download":"library 6.png","type":"image/png","storage":"s3"}', '{"title":"Library 6","filename_download":"library 6.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(23, 23, 'directus_files', 'a7681b93-2ddf-4fda-82fe-a985060ab03f', '{"title":"Library 7","filename_download":"library 7.png","type":"image/png","storage":"s3"}', '{"title":"Library 7","filename_download":"library 7.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(24, 24, 'directus_files', '22d0954c-c84e-4eeb-b2a3-72d919625f21', '{"title":"Library 8","filename_download":"library 8.png","type":"image/png","storage":"s3"}', '{"title":"Library 8","filename_download":"library 8.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(25, 25, 'directus_files', '43af23c5-028e-40bd-ad44-9dba9d56680c', '{"title":"Library 9","filename_download":"library 9.png","type":"image/png","storage":"s3"}', '{"title":"Library 9","filename_download":"library 9.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(26, 26, 'directus_files', '43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 0","tags":["a","b"],"filename_download":"press 0.png","type":"image/png","storage":"s3"}', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 0","tags":["a","b"],"filename_download":"press 0.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(27, 27, 'directus_files', '3dea1c2f-f289-42c2-a0ea-54652989166a', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 1","tags":["a","b"],"filename_download":"press 1.png","type":"image/png","storage":"s3"}', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 1","tags":["a","b"],"filename_download":"press 1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(28, 28, 'directus_files', '95649339-d9d6-4853-b625-57c34cd5d521', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 2","tags":["a","b"],"filename_download":"press 2.png","type":"image/png","storage":"s3"}', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 2","tags":["a","b"],"filename_download":"press 2.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(29, 29, 'directus_files', 'e4516352-338b-4538-9e68-4821a5cc7d53', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 3","tags":["a","b"],"filename_download":"press 3.png","type":"image/png","storage":"s3"}', '{"folder":"fa23805c-5d18-436b-93a5-651d295afc4a","title":"Press picture 3","tags":["a","b"],"filename_download":"press 3.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(30, 30, 'directus_files', '9989fc16-e2eb-472d-be5d-5741a64b6247', '{"title":"Paper 0","filename_download":"paper 0.pdf","type":"application/pdf","storage":"s3"}', '{"title":"Paper 0","filename_download":"paper 0.pdf","type":"application/pdf","storage":"s3"}', NULL, NULL),
	(31, 31, 'directus_files', '0b8614b5-355d-4298-bee6-4097bf9c19d5', '{"title":"Paper 1","filename_download":"paper 1.pdf","type":"application/pdf","storage":"s3"}', '{"title":"Paper 1","filename_download":"paper 1.pdf","type":"application/pdf","storage":"s3"}', NULL, NULL),
	(32, 32, 'directus_files', '72c77adc-dad8-45bc-91a4-8c3782a0a259', '{"title":"Paper 2","filename_download":"paper 2.pdf","type":"application/pdf","storage":"s3"}', '{"title":"Paper 2","filename_download":"paper 2.pdf","type":"application/pdf","storage":"s3"}', NULL, NULL),
	(33, 33, 'directus_files', '6568510a-b0da-4d48-a835-e13ef9b865b6', '{"title":"Notes","filename_download":"notes.txt","type":"text/plain","storage":"s3"}', '{"title":"Notes","filename_download":"notes.txt","type":"text/plain","storage":"s3"}', NULL, NULL),
	(34, 34, 'directus_files', '0e0f6631-0e84-4e53-a3c9-51464075303c', '{"title":"Avatar","filename_download":"avatar.png","type":"image/png","storage":"s3"}', '{"title":"Avatar","filename_download":"avatar.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(35, 35, 'directus_files', '0f5477ef-7e68-4022-841f-270a33aff8d1', '{"title":"Logo","filename_download":"logo.png","type":"image/png","storage":"s3"}', '{"title":"Logo","filename_download":"logo.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(36, 36, 'directus_files', 'e7bf031e-fb2e-4c1c-9b63-94ae31501d22', '{"title":"Background","filename_download":"background.png","type":"image/png","storage":"s3"}', '{"title":"Background","filename_download":"background.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(37, 37, 'directus_users', '18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', '{"id":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","first_name":"Admin","last_name":"User","email":"admin@example.com","password":"**********","location":null,"title":null,"description":null,"tags":null,"avatar":"0e0f6631-0e84-4e53-a3c9-51464075303c","language":null,"tfa_secret":null,"status":"active","role":"9d0a0af3-f171-4390-9774-10030add5241","token":"**********","last_access":null,"last_page":null,"provider":"default","external_identifier":null,"auth_data":null,"email_notifications":true,"appearance":null,"theme_dark":null,"theme_light":null,"theme_light_overrides":null,"theme_dark_overrides":null,"text_direction":"auto","policies":[]}', '{"avatar":"0e0f6631-0e84-4e53-a3c9-51464075303c"}', NULL, NULL),
	(38, 38, 'directus_settings', '1', '{"id":1,"project_name":"Fixture","project_url":null,"project_color":"#6644FF","project_logo":"0f5477ef-7e68-4022-841f-270a33aff8d1","public_foreground":null,"public_background":null,"public_note":null,"auth_login_attempts":25,"auth_password_policy":null,"storage_asset_transform":"all","storage_asset_presets":null,"custom_css":null,"storage_default_folder":null,"basemaps":null,"mapbox_key":null,"module_bar":null,"project_descriptor":null,"default_language":"en-US","custom_aspect_ratios":null,"public_favicon":null,"default_appearance":"auto","default_theme_light":null,"theme_light_overrides":null,"default_theme_dark":null,"theme_dark_overrides":null,"report_error_url":null,"report_bug_url":null,"report_feature_url":null,"public_registration":false,"public_registration_verify_email":true,"public_registration_role":null,"public_registration_email_filter":null,"visual_editor_urls":null,"project_id":"01a217ee-e986-7382-9445-1a25b071e110","mcp_enabled":false,"mcp_allow_deletes":false,"mcp_prompts_collection":null,"mcp_system_prompt_enabled":true,"mcp_system_prompt":null,"project_owner":null,"project_usage":null,"org_name":null,"product_updates":null,"project_status":null,"ai_openai_api_key":null,"ai_anthropic_api_key":null,"ai_system_prompt":null,"ai_google_api_key":null,"ai_openai_compatible_api_key":null,"ai_openai_compatible_base_url":null,"ai_openai_compatible_name":null,"ai_openai_compatible_models":null,"ai_openai_compatible_headers":null,"ai_openai_allowed_models":["gpt-5-nano","gpt-5-mini","gpt-5"],"ai_anthropic_allowed_models":["claude-haiku-4-5","claude-sonnet-4-5"],"ai_google_allowed_models":["gemini-3-pro-preview","gemini-3-flash-preview","gemini-2.5-pro","gemini-2.5-flash"],"collaborative_editing_enabled":false}', '{"project_name":"Fixture","project_logo":"0f5477ef-7e68-4022-841f-270a33aff8d1"}', NULL, NULL),
	(39, 39, 'directus_settings', '1', '{"id":1,"project_name":"Fixture","project_url":null,"project_color":"#6644FF","project_logo":"0f5477ef-7e68-4022-841f-270a33aff8d1","public_foreground":null,"public_background":"e7bf031e-fb2e-4c1c-9b63-94ae31501d22","public_note":null,"auth_login_attempts":25,"auth_password_policy":null,"storage_asset_transform":"all","storage_asset_presets":null,"custom_css":null,"storage_default_folder":null,"basemaps":null,"mapbox_key":null,"module_bar":null,"project_descriptor":null,"default_language":"en-US","custom_aspect_ratios":null,"public_favicon":null,"default_appearance":"auto","default_theme_light":null,"theme_light_overrides":null,"default_theme_dark":null,"theme_dark_overrides":null,"report_error_url":null,"report_bug_url":null,"report_feature_url":null,"public_registration":false,"public_registration_verify_email":true,"public_registration_role":null,"public_registration_email_filter":null,"visual_editor_urls":null,"project_id":"01a217ee-e986-7382-9445-1a25b071e110","mcp_enabled":false,"mcp_allow_deletes":false,"mcp_prompts_collection":null,"mcp_system_prompt_enabled":true,"mcp_system_prompt":null,"project_owner":null,"project_usage":null,"org_name":null,"product_updates":null,"project_status":null,"ai_openai_api_key":null,"ai_anthropic_api_key":null,"ai_system_prompt":null,"ai_google_api_key":null,"ai_openai_compatible_api_key":null,"ai_openai_compatible_base_url":null,"ai_openai_compatible_name":null,"ai_openai_compatible_models":null,"ai_openai_compatible_headers":null,"ai_openai_allowed_models":["gpt-5-nano","gpt-5-mini","gpt-5"],"ai_anthropic_allowed_models":["claude-haiku-4-5","claude-sonnet-4-5"],"ai_google_allowed_models":["gemini-3-pro-preview","gemini-3-flash-preview","gemini-2.5-pro","gemini-2.5-flash"],"collaborative_editing_enabled":false}', '{"public_background":"e7bf031e-fb2e-4c1c-9b63-94ae31501d22"}', NULL, NULL),
	(40, 40, 'directus_files', '364b151d-19dd-4db0-9b2d-a6ba5efec09e', '{"filename_disk":"Old photo (1).png","title":"Old Photo (1)","filename_download":"Old photo (1).png","type":"image/png","storage":"s3"}', '{"filename_disk":"Old photo (1).png","title":"Old Photo (1)","filename_download":"Old photo (1).png","type":"image/png","storage":"s3"}', NULL, NULL),
	(41, 41, 'directus_files', '515e5114-a01a-40f1-a911-af5ee5e52a25', '{"filename_disk":"100% sure.png","title":"100% Sure","filename_download":"100% sure.png","type":"image/png","storage":"s3"}', '{"filename_disk":"100% sure.png","title":"100% Sure","filename_download":"100% sure.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(42, 42, 'directus_files', '667d5918-65d2-4623-aab0-710f3c084a33', '{"filename_disk":"C++ & more.png","title":"C++ & More","filename_download":"C++ & more.png","type":"image/png","storage":"s3"}', '{"filename_disk":"C++ & more.png","title":"C++ & More","filename_download":"C++ & more.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(43, 43, 'directus_files', 'e1625957-7790-44e5-86bb-b4d26384ad8e', '{"filename_disk":"with%20escape.png","title":"With%20escape","filename_download":"with%20escape.png","type":"image/png","storage":"s3"}', '{"filename_disk":"with%20escape.png","title":"With%20escape","filename_download":"with%20escape.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(44, 44, 'directus_files', 'ec3b9aee-5847-4920-b38d-c7381b5d768a', '{"filename_disk":"Übersicht.png","title":"Übersicht","filename_download":"Übersicht.png","type":"image/png","storage":"s3"}', '{"filename_disk":"Übersicht.png","title":"Übersicht","filename_download":"Übersicht.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(45, 45, 'directus_files', 'eb3a9c1d-afbb-4744-bdf9-d42a35c49f5f', '{"filename_disk":"写真.png","title":"写真","filename_download":"写真.png","type":"image/png","storage":"s3"}', '{"filename_disk":"写真.png","title":"写真","filename_download":"写真.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(46, 46, 'directus_files', '5649d2d6-bf08-40ef-8c0c-f524c110a2c4', '{"filename_disk":"Ångström.png","title":"Ångström","filename_download":"Ångström.png","type":"image/png","storage":"s3"}', '{"filename_disk":"Ångström.png","title":"Ångström","filename_download":"Ångström.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(69, 71, 'directus_files', '72fffdcd-8974-4972-8a1c-bd79e62c80b3', '{"storage":"archive","title":"Moved","filename_download":"moved.png","type":"image/png"}', '{"storage":"archive","title":"Moved","filename_download":"moved.png","type":"image/png"}', NULL, NULL),
	(47, 47, 'articles', '1', '{"title":"Pictures","hero":"c29cf51a-34b0-4618-99af-daa3632f23ab","body":"<p><img src=\"https://cms.example.com/assets/c1bb149e-4cbb-4520-86ff-0c47f8214103?width=300&amp;fit=cover\" alt=\"\"></p><p><a href=\"https://cms.example.com/assets/9989fc16-e2eb-472d-be5d-5741a64b6247?download\">Paper</a></p>","blocks":[{"type":"image","data":{"file":{"fileId":"b4a14f04-bd93-4964-a485-690e1e15d12f"}}},{"type":"divider"}],"og_image":"https://media.example.com/Old%20photo%20%281%29.png"}', '{"title":"Pictures","hero":"c29cf51a-34b0-4618-99af-daa3632f23ab","body":"<p><img src=\"https://cms.example.com/assets/c1bb149e-4cbb-4520-86ff-0c47f8214103?width=300&amp;fit=cover\" alt=\"\"></p><p><a href=\"https://cms.example.com/assets/9989fc16-e2eb-472d-be5d-5741a64b6247?download\">Paper</a></p>","blocks":[{"type":"image","data":{"file":{"fileId":"b4a14f04-bd93-4964-a485-690e1e15d12f"}}},{"type":"divider"}],"og_image":"https://media.example.com/Old%20photo%20%281%29.png"}', NULL, NULL),
	(48, 48, 'articles_files', '1', '{"articles_id":1,"directus_files_id":"43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c"}', '{"articles_id":1,"directus_files_id":"43d76fa8-a1c7-4ccb-a4b9-e4f7f5b21f3c"}', NULL, NULL),
	(49, 49, 'articles_files', '2', '{"articles_id":1,"directus_files_id":"3dea1c2f-f289-42c2-a0ea-54652989166a"}', '{"articles_id":1,"directus_files_id":"3dea1c2f-f289-42c2-a0ea-54652989166a"}', NULL, NULL),
	(50, 50, 'articles', '2', '{"title":"Nothing in it","og_image":""}', '{"title":"Nothing in it","og_image":""}', NULL, NULL),
	(51, 51, 'directus_files', 'f4d25b23-19fb-44e1-b114-898b729798be', '{"title":"Deleted 1","filename_download":"deleted 1.png","type":"image/png","storage":"s3"}', '{"title":"Deleted 1","filename_download":"deleted 1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(52, 53, 'directus_files', '5939de23-f00d-452b-94c8-256774236476', '{"title":"Deleted 2","filename_download":"deleted 2.png","type":"image/png","storage":"s3"}', '{"title":"Deleted 2","filename_download":"deleted 2.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(53, 55, 'directus_files', '026d2b23-aacd-40c0-be83-984ad3e9be95', '{"title":"Doomed 0","filename_download":"doomed 0.png","type":"image/png","storage":"s3"}', '{"title":"Doomed 0","filename_download":"doomed 0.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(54, 56, 'directus_files', 'fb4068fc-3ef8-4225-a331-edb7e570bde3', '{"title":"Doomed 1","filename_download":"doomed 1.png","type":"image/png","storage":"s3"}', '{"title":"Doomed 1","filename_download":"doomed 1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(55, 57, 'directus_files', '3d780cb2-eeda-4b17-9ee1-6d1ecddd9830', '{"title":"Doomed 2","filename_download":"doomed 2.png","type":"image/png","storage":"s3"}', '{"title":"Doomed 2","filename_download":"doomed 2.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(56, 58, 'directus_files', '0f68c81a-ee5f-4e2b-9db7-cd94da3778eb', '{"title":"Doomed 3","filename_download":"doomed 3.png","type":"image/png","storage":"s3"}', '{"title":"Doomed 3","filename_download":"doomed 3.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(57, 59, 'directus_files', 'f0527b5a-0119-401a-84e1-c8d88f97a714', '{"filename_disk":"Old photo (2).png","title":"Old Photo (2)","filename_download":"Old photo (2).png","type":"image/png","storage":"s3"}', '{"filename_disk":"Old photo (2).png","title":"Old Photo (2)","filename_download":"Old photo (2).png","type":"image/png","storage":"s3"}', NULL, NULL),
	(58, 60, 'directus_files', '8cc33d8f-a109-4a91-8320-fae28e57afc7', '{"filename_disk":"1+1.png","title":"1+1","filename_download":"1+1.png","type":"image/png","storage":"s3"}', '{"filename_disk":"1+1.png","title":"1+1","filename_download":"1+1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(59, 61, 'directus_files', '653f239d-9d88-417d-a221-1ed23ad0f565', '{"filename_disk":"旧.png","title":"旧","filename_download":"旧.png","type":"image/png","storage":"s3"}', '{"filename_disk":"旧.png","title":"旧","filename_download":"旧.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(60, 62, 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', '{"title":"Changed","filename_download":"changed.png","type":"image/png","storage":"s3"}', '{"title":"Changed","filename_download":"changed.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(61, 63, 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', '{"id":"addd8320-6b15-4f46-95bf-a3258aa6936a","storage":"s3","filename_disk":"addd8320-6b15-4f46-95bf-a3258aa6936a.jpg","filename_download":"changed.jpg","title":"Changed","type":"image/jpeg","folder":null,"uploaded_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","created_on":"2026-11-26T12:57:50.852Z","modified_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","modified_on":"2026-11-26T12:57:50.989Z","charset":null,"filesize":"88","width":4,"height":3,"duration":null,"embed":null,"description":null,"location":null,"tags":null,"metadata":{},"focal_point_x":null,"focal_point_y":null,"tus_id":null,"tus_data":null,"uploaded_on":"2026-11-26T12:57:50.875Z"}', '{"storage":"s3","filename_disk":"addd8320-6b15-4f46-95bf-a3258aa6936a.jpg","filename_download":"changed.jpg","title":"Changed","type":"image/jpeg","folder":null,"description":null,"metadata":{},"modified_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","modified_on":"2026-11-26T12:57:50.989Z"}', NULL, NULL),
	(62, 64, 'directus_files', 'addd8320-6b15-4f46-95bf-a3258aa6936a', '{"id":"addd8320-6b15-4f46-95bf-a3258aa6936a","storage":"s3","filename_disk":"addd8320-6b15-4f46-95bf-a3258aa6936a.jpg","filename_download":"changed.jpg","title":"Changed","type":"image/jpeg","folder":null,"uploaded_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","created_on":"2026-11-26T12:57:50.852Z","modified_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","modified_on":"2026-11-26T12:57:51.046Z","charset":null,"filesize":"287","width":4,"height":3,"duration":null,"embed":null,"description":null,"location":null,"tags":null,"metadata":{},"focal_point_x":null,"focal_point_y":null,"tus_id":null,"tus_data":null,"uploaded_on":"2026-11-26T12:57:51.043Z"}', '{"modified_by":"18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8","modified_on":"2026-11-26T12:57:51.046Z"}', NULL, NULL),
	(63, 65, 'directus_files', '07c6504d-698c-4cb8-8697-b3d96c2b0f73', '{"title":"After the Backup 0","filename_download":"after the backup 0.png","type":"image/png","storage":"s3"}', '{"title":"After the Backup 0","filename_download":"after the backup 0.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(64, 66, 'directus_files', '0605e1aa-43ad-43b4-9500-ba0dbb2e7757', '{"title":"After the Backup 1","filename_download":"after the backup 1.png","type":"image/png","storage":"s3"}', '{"title":"After the Backup 1","filename_download":"after the backup 1.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(65, 67, 'directus_files', '76675653-c4ed-41c6-bad4-5caf472df865', '{"title":"Lost","filename_download":"lost.png","type":"image/png","storage":"s3"}', '{"title":"Lost","filename_download":"lost.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(66, 68, 'directus_files', 'bf28ce6f-1210-4281-95a7-3f3dad048e0f', '{"title":"Announced","storage":"s3","filename_download":"later.png","type":"image/png"}', '{"title":"Announced","storage":"s3","filename_download":"later.png","type":"image/png"}', NULL, NULL),
	(67, 69, 'directus_files', '99b0fe69-ce28-43fe-b7bb-3b22daa862e6', '{"filename_disk":"Résumé.png","title":"Résumé","filename_download":"Résumé.png","type":"image/png","storage":"s3"}', '{"filename_disk":"Résumé.png","title":"Résumé","filename_download":"Résumé.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(68, 70, 'directus_files', '210ff2e3-80c1-4e8e-b80f-3f80a73102d2', '{"filename_disk":"Résumé.png","title":"Résumé 2","filename_download":"Résumé 2.png","type":"image/png","storage":"s3"}', '{"filename_disk":"Résumé.png","title":"Résumé 2","filename_download":"Résumé 2.png","type":"image/png","storage":"s3"}', NULL, NULL),
	(70, 72, 'directus_files', '20cd4b8d-41be-491a-a083-c38cac24d470', '{"storage":"archive","title":"Kept in the Archive","filename_download":"kept in the archive.png","type":"image/png"}', '{"storage":"archive","title":"Kept in the Archive","filename_download":"kept in the archive.png","type":"image/png"}', NULL, NULL);

--
-- Data for Name: directus_roles; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_roles VALUES
	('9d0a0af3-f171-4390-9774-10030add5241', 'Administrator', 'verified', '$t:admin_description', NULL);

--
-- Data for Name: directus_sessions; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_settings VALUES
	(1, 'Fixture', NULL, '#6644FF', '0f5477ef-7e68-4022-841f-270a33aff8d1', NULL, 'e7bf031e-fb2e-4c1c-9b63-94ae31501d22', NULL, 25, NULL, 'all', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'en-US', NULL, NULL, 'auto', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, true, NULL, NULL, NULL, '01a217ee-e986-7382-9445-1a25b071e110', false, false, NULL, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '["gpt-5-nano","gpt-5-mini","gpt-5"]', '["claude-haiku-4-5","claude-sonnet-4-5"]', '["gemini-3-pro-preview","gemini-3-flash-preview","gemini-2.5-pro","gemini-2.5-flash"]', false);

--
-- Data for Name: directus_shares; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_translations; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: directus_users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.directus_users VALUES
	('18dd0961-c6f3-45b7-8b8c-ad1edfd26ee8', 'Admin', 'User', 'admin@example.com', NULL, NULL, NULL, NULL, NULL, '0e0f6631-0e84-4e53-a3c9-51464075303c', NULL, NULL, 'active', '9d0a0af3-f171-4390-9774-10030add5241', NULL, NULL, NULL, 'default', NULL, NULL, true, NULL, NULL, NULL, NULL, NULL, 'auto');

--
-- Data for Name: directus_versions; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Data for Name: imports; Type: TABLE DATA; Schema: public; Owner: -
--

--
-- Name: articles_files_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.articles_files_id_seq', 2, true);

--
-- Name: articles_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.articles_id_seq', 2, true);

--
-- Name: directus_activity_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_activity_id_seq', 72, true);

--
-- Name: directus_fields_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_fields_id_seq', 11, true);

--
-- Name: directus_notifications_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_notifications_id_seq', 1, false);

--
-- Name: directus_permissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_permissions_id_seq', 1, false);

--
-- Name: directus_presets_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_presets_id_seq', 1, false);

--
-- Name: directus_relations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_relations_id_seq', 4, true);

--
-- Name: directus_revisions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_revisions_id_seq', 70, true);

--
-- Name: directus_settings_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.directus_settings_id_seq', 1, true);

--
-- Name: imports_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.imports_id_seq', 1, false);

--
-- Name: articles_files articles_files_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles_files
    ADD CONSTRAINT articles_files_pkey PRIMARY KEY (id);

--
-- Name: articles articles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_pkey PRIMARY KEY (id);

--
-- Name: directus_access directus_access_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_access
    ADD CONSTRAINT directus_access_pkey PRIMARY KEY (id);

--
-- Name: directus_activity directus_activity_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_activity
    ADD CONSTRAINT directus_activity_pkey PRIMARY KEY (id);

--
-- Name: directus_collections directus_collections_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_collections
    ADD CONSTRAINT directus_collections_pkey PRIMARY KEY (collection);

--
-- Name: directus_comments directus_comments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_comments
    ADD CONSTRAINT directus_comments_pkey PRIMARY KEY (id);

--
-- Name: directus_dashboards directus_dashboards_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_dashboards
    ADD CONSTRAINT directus_dashboards_pkey PRIMARY KEY (id);

--
-- Name: directus_deployment_projects directus_deployment_projects_deployment_external_id_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_projects
    ADD CONSTRAINT directus_deployment_projects_deployment_external_id_unique UNIQUE (deployment, external_id);

--
-- Name: directus_deployment_projects directus_deployment_projects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_projects
    ADD CONSTRAINT directus_deployment_projects_pkey PRIMARY KEY (id);

--
-- Name: directus_deployment_runs directus_deployment_runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_runs
    ADD CONSTRAINT directus_deployment_runs_pkey PRIMARY KEY (id);

--
-- Name: directus_deployments directus_deployments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployments
    ADD CONSTRAINT directus_deployments_pkey PRIMARY KEY (id);

--
-- Name: directus_deployments directus_deployments_provider_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployments
    ADD CONSTRAINT directus_deployments_provider_unique UNIQUE (provider);

--
-- Name: directus_extensions directus_extensions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_extensions
    ADD CONSTRAINT directus_extensions_pkey PRIMARY KEY (id);

--
-- Name: directus_fields directus_fields_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_fields
    ADD CONSTRAINT directus_fields_pkey PRIMARY KEY (id);

--
-- Name: directus_files directus_files_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_files
    ADD CONSTRAINT directus_files_pkey PRIMARY KEY (id);

--
-- Name: directus_flows directus_flows_operation_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_flows
    ADD CONSTRAINT directus_flows_operation_unique UNIQUE (operation);

--
-- Name: directus_flows directus_flows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_flows
    ADD CONSTRAINT directus_flows_pkey PRIMARY KEY (id);

--
-- Name: directus_folders directus_folders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_folders
    ADD CONSTRAINT directus_folders_pkey PRIMARY KEY (id);

--
-- Name: directus_migrations directus_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_migrations
    ADD CONSTRAINT directus_migrations_pkey PRIMARY KEY (version);

--
-- Name: directus_notifications directus_notifications_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_notifications
    ADD CONSTRAINT directus_notifications_pkey PRIMARY KEY (id);

--
-- Name: directus_operations directus_operations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_pkey PRIMARY KEY (id);

--
-- Name: directus_operations directus_operations_reject_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_reject_unique UNIQUE (reject);

--
-- Name: directus_operations directus_operations_resolve_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_resolve_unique UNIQUE (resolve);

--
-- Name: directus_panels directus_panels_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_panels
    ADD CONSTRAINT directus_panels_pkey PRIMARY KEY (id);

--
-- Name: directus_permissions directus_permissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_permissions
    ADD CONSTRAINT directus_permissions_pkey PRIMARY KEY (id);

--
-- Name: directus_policies directus_policies_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_policies
    ADD CONSTRAINT directus_policies_pkey PRIMARY KEY (id);

--
-- Name: directus_presets directus_presets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_presets
    ADD CONSTRAINT directus_presets_pkey PRIMARY KEY (id);

--
-- Name: directus_relations directus_relations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_relations
    ADD CONSTRAINT directus_relations_pkey PRIMARY KEY (id);

--
-- Name: directus_revisions directus_revisions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_revisions
    ADD CONSTRAINT directus_revisions_pkey PRIMARY KEY (id);

--
-- Name: directus_roles directus_roles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_roles
    ADD CONSTRAINT directus_roles_pkey PRIMARY KEY (id);

--
-- Name: directus_sessions directus_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_sessions
    ADD CONSTRAINT directus_sessions_pkey PRIMARY KEY (token);

--
-- Name: directus_settings directus_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_pkey PRIMARY KEY (id);

--
-- Name: directus_shares directus_shares_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_shares
    ADD CONSTRAINT directus_shares_pkey PRIMARY KEY (id);

--
-- Name: directus_translations directus_translations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_translations
    ADD CONSTRAINT directus_translations_pkey PRIMARY KEY (id);

--
-- Name: directus_users directus_users_email_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_users
    ADD CONSTRAINT directus_users_email_unique UNIQUE (email);

--
-- Name: directus_users directus_users_external_identifier_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_users
    ADD CONSTRAINT directus_users_external_identifier_unique UNIQUE (external_identifier);

--
-- Name: directus_users directus_users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_users
    ADD CONSTRAINT directus_users_pkey PRIMARY KEY (id);

--
-- Name: directus_users directus_users_token_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_users
    ADD CONSTRAINT directus_users_token_unique UNIQUE (token);

--
-- Name: directus_versions directus_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_versions
    ADD CONSTRAINT directus_versions_pkey PRIMARY KEY (id);

--
-- Name: imports imports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (id);

--
-- Name: directus_activity_timestamp_index; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX directus_activity_timestamp_index ON public.directus_activity USING btree ("timestamp");

--
-- Name: directus_revisions_activity_index; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX directus_revisions_activity_index ON public.directus_revisions USING btree (activity);

--
-- Name: directus_revisions_parent_index; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX directus_revisions_parent_index ON public.directus_revisions USING btree (parent);

--
-- Name: articles_files articles_files_articles_id_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles_files
    ADD CONSTRAINT articles_files_articles_id_foreign FOREIGN KEY (articles_id) REFERENCES public.articles(id);

--
-- Name: articles_files articles_files_directus_files_id_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles_files
    ADD CONSTRAINT articles_files_directus_files_id_foreign FOREIGN KEY (directus_files_id) REFERENCES public.directus_files(id);

--
-- Name: articles articles_hero_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_hero_foreign FOREIGN KEY (hero) REFERENCES public.directus_files(id);

--
-- Name: directus_access directus_access_policy_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_access
    ADD CONSTRAINT directus_access_policy_foreign FOREIGN KEY (policy) REFERENCES public.directus_policies(id) ON DELETE CASCADE;

--
-- Name: directus_access directus_access_role_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_access
    ADD CONSTRAINT directus_access_role_foreign FOREIGN KEY (role) REFERENCES public.directus_roles(id) ON DELETE CASCADE;

--
-- Name: directus_access directus_access_user_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_access
    ADD CONSTRAINT directus_access_user_foreign FOREIGN KEY ("user") REFERENCES public.directus_users(id) ON DELETE CASCADE;

--
-- Name: directus_collections directus_collections_group_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_collections
    ADD CONSTRAINT directus_collections_group_foreign FOREIGN KEY ("group") REFERENCES public.directus_collections(collection);

--
-- Name: directus_comments directus_comments_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_comments
    ADD CONSTRAINT directus_comments_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_comments directus_comments_user_updated_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_comments
    ADD CONSTRAINT directus_comments_user_updated_foreign FOREIGN KEY (user_updated) REFERENCES public.directus_users(id);

--
-- Name: directus_dashboards directus_dashboards_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_dashboards
    ADD CONSTRAINT directus_dashboards_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_deployment_projects directus_deployment_projects_deployment_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_projects
    ADD CONSTRAINT directus_deployment_projects_deployment_foreign FOREIGN KEY (deployment) REFERENCES public.directus_deployments(id) ON DELETE CASCADE;

--
-- Name: directus_deployment_projects directus_deployment_projects_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_projects
    ADD CONSTRAINT directus_deployment_projects_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_deployment_runs directus_deployment_runs_project_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_runs
    ADD CONSTRAINT directus_deployment_runs_project_foreign FOREIGN KEY (project) REFERENCES public.directus_deployment_projects(id) ON DELETE CASCADE;

--
-- Name: directus_deployment_runs directus_deployment_runs_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployment_runs
    ADD CONSTRAINT directus_deployment_runs_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_deployments directus_deployments_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_deployments
    ADD CONSTRAINT directus_deployments_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_files directus_files_folder_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_files
    ADD CONSTRAINT directus_files_folder_foreign FOREIGN KEY (folder) REFERENCES public.directus_folders(id) ON DELETE SET NULL;

--
-- Name: directus_files directus_files_modified_by_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_files
    ADD CONSTRAINT directus_files_modified_by_foreign FOREIGN KEY (modified_by) REFERENCES public.directus_users(id);

--
-- Name: directus_files directus_files_uploaded_by_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_files
    ADD CONSTRAINT directus_files_uploaded_by_foreign FOREIGN KEY (uploaded_by) REFERENCES public.directus_users(id);

--
-- Name: directus_flows directus_flows_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_flows
    ADD CONSTRAINT directus_flows_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_folders directus_folders_parent_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_folders
    ADD CONSTRAINT directus_folders_parent_foreign FOREIGN KEY (parent) REFERENCES public.directus_folders(id);

--
-- Name: directus_notifications directus_notifications_recipient_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_notifications
    ADD CONSTRAINT directus_notifications_recipient_foreign FOREIGN KEY (recipient) REFERENCES public.directus_users(id) ON DELETE CASCADE;

--
-- Name: directus_notifications directus_notifications_sender_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_notifications
    ADD CONSTRAINT directus_notifications_sender_foreign FOREIGN KEY (sender) REFERENCES public.directus_users(id);

--
-- Name: directus_operations directus_operations_flow_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_flow_foreign FOREIGN KEY (flow) REFERENCES public.directus_flows(id) ON DELETE CASCADE;

--
-- Name: directus_operations directus_operations_reject_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_reject_foreign FOREIGN KEY (reject) REFERENCES public.directus_operations(id);

--
-- Name: directus_operations directus_operations_resolve_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_resolve_foreign FOREIGN KEY (resolve) REFERENCES public.directus_operations(id);

--
-- Name: directus_operations directus_operations_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_operations
    ADD CONSTRAINT directus_operations_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_panels directus_panels_dashboard_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_panels
    ADD CONSTRAINT directus_panels_dashboard_foreign FOREIGN KEY (dashboard) REFERENCES public.directus_dashboards(id) ON DELETE CASCADE;

--
-- Name: directus_panels directus_panels_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_panels
    ADD CONSTRAINT directus_panels_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_permissions directus_permissions_policy_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_permissions
    ADD CONSTRAINT directus_permissions_policy_foreign FOREIGN KEY (policy) REFERENCES public.directus_policies(id) ON DELETE CASCADE;

--
-- Name: directus_presets directus_presets_role_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_presets
    ADD CONSTRAINT directus_presets_role_foreign FOREIGN KEY (role) REFERENCES public.directus_roles(id) ON DELETE CASCADE;

--
-- Name: directus_presets directus_presets_user_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_presets
    ADD CONSTRAINT directus_presets_user_foreign FOREIGN KEY ("user") REFERENCES public.directus_users(id) ON DELETE CASCADE;

--
-- Name: directus_revisions directus_revisions_activity_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_revisions
    ADD CONSTRAINT directus_revisions_activity_foreign FOREIGN KEY (activity) REFERENCES public.directus_activity(id) ON DELETE CASCADE;

--
-- Name: directus_revisions directus_revisions_parent_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_revisions
    ADD CONSTRAINT directus_revisions_parent_foreign FOREIGN KEY (parent) REFERENCES public.directus_revisions(id);

--
-- Name: directus_revisions directus_revisions_version_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_revisions
    ADD CONSTRAINT directus_revisions_version_foreign FOREIGN KEY (version) REFERENCES public.directus_versions(id) ON DELETE CASCADE;

--
-- Name: directus_roles directus_roles_parent_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_roles
    ADD CONSTRAINT directus_roles_parent_foreign FOREIGN KEY (parent) REFERENCES public.directus_roles(id);

--
-- Name: directus_sessions directus_sessions_share_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_sessions
    ADD CONSTRAINT directus_sessions_share_foreign FOREIGN KEY (share) REFERENCES public.directus_shares(id) ON DELETE CASCADE;

--
-- Name: directus_sessions directus_sessions_user_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_sessions
    ADD CONSTRAINT directus_sessions_user_foreign FOREIGN KEY ("user") REFERENCES public.directus_users(id) ON DELETE CASCADE;

--
-- Name: directus_settings directus_settings_project_logo_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_project_logo_foreign FOREIGN KEY (project_logo) REFERENCES public.directus_files(id);

--
-- Name: directus_settings directus_settings_public_background_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_public_background_foreign FOREIGN KEY (public_background) REFERENCES public.directus_files(id);

--
-- Name: directus_settings directus_settings_public_favicon_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_public_favicon_foreign FOREIGN KEY (public_favicon) REFERENCES public.directus_files(id);

--
-- Name: directus_settings directus_settings_public_foreground_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_public_foreground_foreign FOREIGN KEY (public_foreground) REFERENCES public.directus_files(id);

--
-- Name: directus_settings directus_settings_public_registration_role_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_public_registration_role_foreign FOREIGN KEY (public_registration_role) REFERENCES public.directus_roles(id) ON DELETE SET NULL;

--
-- Name: directus_settings directus_settings_storage_default_folder_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_settings
    ADD CONSTRAINT directus_settings_storage_default_folder_foreign FOREIGN KEY (storage_default_folder) REFERENCES public.directus_folders(id) ON DELETE SET NULL;

--
-- Name: directus_shares directus_shares_collection_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_shares
    ADD CONSTRAINT directus_shares_collection_foreign FOREIGN KEY (collection) REFERENCES public.directus_collections(collection) ON DELETE CASCADE;

--
-- Name: directus_shares directus_shares_role_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_shares
    ADD CONSTRAINT directus_shares_role_foreign FOREIGN KEY (role) REFERENCES public.directus_roles(id) ON DELETE CASCADE;

--
-- Name: directus_shares directus_shares_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_shares
    ADD CONSTRAINT directus_shares_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_users directus_users_role_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_users
    ADD CONSTRAINT directus_users_role_foreign FOREIGN KEY (role) REFERENCES public.directus_roles(id) ON DELETE SET NULL;

--
-- Name: directus_versions directus_versions_collection_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_versions
    ADD CONSTRAINT directus_versions_collection_foreign FOREIGN KEY (collection) REFERENCES public.directus_collections(collection) ON DELETE CASCADE;

--
-- Name: directus_versions directus_versions_user_created_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_versions
    ADD CONSTRAINT directus_versions_user_created_foreign FOREIGN KEY (user_created) REFERENCES public.directus_users(id) ON DELETE SET NULL;

--
-- Name: directus_versions directus_versions_user_updated_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.directus_versions
    ADD CONSTRAINT directus_versions_user_updated_foreign FOREIGN KEY (user_updated) REFERENCES public.directus_users(id);

--
-- Name: imports imports_file_foreign; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_file_foreign FOREIGN KEY (file) REFERENCES public.directus_files(id);

--
-- PostgreSQL database dump complete
--

