// Package s3 is the artifacts bucket behind the interface that reconcile
// declares. It is the only importer of the S3 SDK among the deployed code.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/reconcile"
)

// Bucket is one bucket.
type Bucket struct {
	api  *s3.Client
	name string
}

// New makes a client of the bucket.
func New(config aws.Config, name string) *Bucket {
	return &Bucket{api: s3.NewFromConfig(config), name: name}
}

// Get implements reconcile.Reader.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, b.wrap(err, "get", key)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	return data, b.wrap(err, "read", key)
}

// Put implements reconcile.Writer.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, contentType string) error {
	_, err := b.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType})
	return b.wrap(err, "put", key)
}

// GetWithETag implements reconcile.LockObjects.
func (b *Bucket) GetWithETag(ctx context.Context, key string) ([]byte, string, error) {
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, "", b.wrap(err, "get", key)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	return data, aws.ToString(out.ETag), b.wrap(err, "read", key)
}

// PutIfMatch implements reconcile.LockObjects, by S3's conditional writes.
func (b *Bucket) PutIfMatch(ctx context.Context, key string, body []byte, contentType, etag string) error {
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType}
	if etag == "" {
		in.IfNoneMatch = new("*")
	} else {
		in.IfMatch = &etag
	}
	_, err := b.api.PutObject(ctx, in)
	return b.wrap(err, "put", key)
}

// DeleteIfMatch implements reconcile.LockObjects, by S3's conditional deletes.
func (b *Bucket) DeleteIfMatch(ctx context.Context, key, etag string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, IfMatch: &etag})
	return b.wrap(err, "delete", key)
}

// CheckBucket implements reconcile.Buckets. Asking for the location needs no right to list the bucket.
func (b *Bucket) CheckBucket(ctx context.Context, name, account string) error {
	_, err := b.api.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &name, ExpectedBucketOwner: &account})
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchBucket", "NotFound":
			return fmt.Errorf("look for bucket %q: %w", name, reconcile.ErrNotFound)
		case "AccessDenied", "Forbidden":
			return fmt.Errorf("look for bucket %q: %w: %w", name, reconcile.ErrForbidden, err)
		}
	}
	if err != nil {
		return fmt.Errorf("look for bucket %q: %w", name, err)
	}
	return nil
}

// List implements reconcile.Reader.
func (b *Bucket) List(ctx context.Context, prefix string) ([]reconcile.Object, error) {
	var objects []reconcile.Object
	pages := s3.NewListObjectsV2Paginator(b.api, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.wrap(err, "list", prefix)
		}
		for _, o := range page.Contents {
			objects = append(objects, reconcile.Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size)})
		}
	}
	return objects, nil
}

// sourceKey is the metadata that says what an object is a copy of.
// CDK names an asset by its content, so the same source means the same bytes.
const sourceKey = "landfall-source"

// CopyIfChanged implements registerblueprint.Objects. S3 makes the copy; no byte passes through here.
func (b *Bucket) CopyIfChanged(ctx context.Context, from, key string) error {
	path, isS3 := strings.CutPrefix(from, "s3://")
	if !isS3 || !strings.Contains(path, "/") {
		return fmt.Errorf("copy to %s: %q is not an s3:// URI", key, from)
	}
	head, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	switch err = b.wrap(err, "head", key); {
	case err == nil && head.Metadata[sourceKey] == from:
		return nil
	case err != nil && !errors.Is(err, reconcile.ErrNotFound):
		return err
	}
	_, err = b.api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &b.name, Key: &key, CopySource: new(escape(path)),
		Metadata: map[string]string{sourceKey: from}, MetadataDirective: types.MetadataDirectiveReplace,
	})
	return b.wrap(err, "copy "+from+" to", key)
}

// escape writes a bucket and key as the copy header wants them: escaped, but for the slashes.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		// A plus would be read as a space.
		parts[i] = strings.ReplaceAll(url.PathEscape(part), "+", "%2B")
	}
	return strings.Join(parts, "/")
}

func (b *Bucket) wrap(err error, operation, key string) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchKey", "NotFound":
			return fmt.Errorf("%s s3://%s/%s: %w", operation, b.name, key, reconcile.ErrNotFound)
		case "PreconditionFailed", "ConditionalRequestConflict":
			return fmt.Errorf("%s s3://%s/%s: %w", operation, b.name, key, reconcile.ErrBusy)
		case "AccessDenied", "Forbidden":
			return fmt.Errorf("%s s3://%s/%s: access denied: the function's role lacks a permission: %w", operation, b.name, strings.TrimSuffix(key, "/"), err)
		}
	}
	return fmt.Errorf("%s s3://%s/%s: %w", operation, b.name, key, err)
}
