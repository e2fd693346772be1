//! Operations on buckets.

use s3s::dto::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
    ObjectLockConfiguration, ObjectLockEnabled, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Response, S3Result, dto, s3_error};

use super::{Service, timestamp};
use crate::VersioningState;
use crate::log::Op;
use crate::model::BucketModel;

pub(super) async fn list_buckets(
    service: &Service,
    _: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    service
        .run(Op::ListBuckets, "", Vec::new(), |context| {
            let buckets = context.shared.with_model(|model| {
                let describe = |(name, bucket): (&String, &BucketModel)| dto::Bucket {
                    name: Some(name.clone()),
                    creation_date: Some(timestamp(bucket.created)),
                    bucket_region: None,
                };
                model.buckets.iter().map(describe).collect()
            });
            Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..Default::default() }))
        })
        .await
}

pub(super) async fn create_bucket(
    service: &Service,
    req: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::CreateBucket, &name, Vec::new(), |context| {
            let now = context.shared.now();
            context.shared.with_model(|model| {
                if model.buckets.contains_key(&name) {
                    return Err(s3_error!(BucketAlreadyOwnedByYou));
                }
                let mut bucket = BucketModel::new(now);
                if req.input.object_lock_enabled_for_bucket == Some(true) {
                    bucket.object_lock = true;
                    bucket.versioning = VersioningState::Enabled;
                }
                model.buckets.insert(name.clone(), bucket);
                Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{name}")) }))
            })
        })
        .await
}

pub(super) async fn head_bucket(
    service: &Service,
    req: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::HeadBucket, &name, Vec::new(), |context| {
            context.with_bucket(&name, |_| Ok(()))?;
            let region = Some(context.shared.region.clone());
            Ok(S3Response::new(HeadBucketOutput { bucket_region: region, ..Default::default() }))
        })
        .await
}

pub(super) async fn get_bucket_location(
    service: &Service,
    req: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::GetBucketLocation, &name, Vec::new(), |context| {
            context.with_bucket(&name, |_| Ok(()))?;
            // us-east-1 has no name there (Amazon S3 API Reference, GetBucketLocation).
            let region = Some(context.shared.region.clone()).filter(|region| region != "us-east-1");
            let location_constraint = region.map(BucketLocationConstraint::from);
            Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
        })
        .await
}

pub(super) async fn get_bucket_versioning(
    service: &Service,
    req: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::GetBucketVersioning, &name, Vec::new(), |context| {
            let status = context.with_bucket(&name, |bucket| {
                Ok(match bucket.versioning {
                    VersioningState::Off => None,
                    VersioningState::Enabled => Some(BucketVersioningStatus::ENABLED),
                    VersioningState::Suspended => Some(BucketVersioningStatus::SUSPENDED),
                })
            })?;
            let status = status.map(BucketVersioningStatus::from_static);
            Ok(S3Response::new(GetBucketVersioningOutput { status, ..Default::default() }))
        })
        .await
}

pub(super) async fn put_bucket_versioning(
    service: &Service,
    req: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let name = req.input.bucket;
    let wanted = req.input.versioning_configuration.status;
    service
        .run(Op::PutBucketVersioning, &name, Vec::new(), |context| {
            let state = match wanted.as_ref().map(BucketVersioningStatus::as_str) {
                Some(BucketVersioningStatus::ENABLED) => VersioningState::Enabled,
                Some(BucketVersioningStatus::SUSPENDED) => VersioningState::Suspended,
                _ => return Err(s3_error!(IllegalVersioningConfigurationException)),
            };
            context.with_bucket(&name, |bucket| {
                bucket.versioning = state;
                Ok(())
            })?;
            Ok(S3Response::new(PutBucketVersioningOutput::default()))
        })
        .await
}

pub(super) async fn get_object_lock_configuration(
    service: &Service,
    req: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::GetObjectLockConfiguration, &name, Vec::new(), |context| {
            if !context.with_bucket(&name, |bucket| Ok(bucket.object_lock))? {
                return Err(s3_error!(ObjectLockConfigurationNotFoundError));
            }
            let enabled = ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED);
            let configuration = ObjectLockConfiguration { object_lock_enabled: Some(enabled), rule: None };
            let output = GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) };
            Ok(S3Response::new(output))
        })
        .await
}
