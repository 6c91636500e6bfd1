// Package s3 is Amazon S3, for the deployed code behind the interfaces that reconcile declares, and for the command. It
// is the only importer of the S3 SDK outside internal/local.
package s3

import (
	"bytes"
	"context"
	"encoding/json"
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

// Errors that callers test for with errors.Is. They are reconcile's, so that its use cases need not know this package.
var (
	// ErrNotFound is returned for an object or a bucket that does not exist.
	ErrNotFound = reconcile.ErrNotFound
	// ErrBusy is returned when the condition of a write does not hold.
	ErrBusy = reconcile.ErrBusy
)

// Client is S3 in one account and Region.
type Client struct{ api *s3.Client }

// NewClient makes a client that works on AWS and on an endpoint that serves all buckets under one host.
func NewClient(config aws.Config) *Client {
	return &Client{s3.NewFromConfig(config, func(o *s3.Options) {
		o.UsePathStyle = config.BaseEndpoint != nil
		// Objects without a checksum are no news.
		o.DisableLogOutputChecksumValidationSkipped = true
	})}
}

// Bucket returns the bucket of that name. No call is made.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{api: c.api, name: name} }

// Bucket is one bucket. Errors of its methods name the object.
type Bucket struct {
	api  *s3.Client
	name string
}

// New makes a client of one bucket.
func New(config aws.Config, name string) *Bucket { return NewClient(config).Bucket(name) }

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.name }

// URI returns the s3:// URI of a key.
func (b *Bucket) URI(key string) string { return "s3://" + b.name + "/" + key }

// Get implements reconcile.Reader.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := b.GetWithETag(ctx, key)
	return data, err
}

// GetJSON reads an object into the value that v points to.
func (b *Bucket) GetJSON(ctx context.Context, key string, v any) error {
	data, err := b.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", b.URI(key), err)
	}
	return nil
}

// Put implements reconcile.Writer.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, contentType string) error {
	_, err := b.PutVersion(ctx, key, body, contentType)
	return err
}

// PutVersion puts an object and returns its version ID; empty in a bucket without versions.
func (b *Bucket) PutVersion(ctx context.Context, key string, body []byte, contentType string) (version string, err error) {
	out, err := b.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType})
	if err != nil {
		return "", b.wrap(err, "put", key)
	}
	return aws.ToString(out.VersionId), nil
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

// CheckBucket implements preflight.Buckets. Asking for the location needs no right to list the bucket.
func (b *Bucket) CheckBucket(ctx context.Context, name, account string) error {
	_, err := b.api.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &name, ExpectedBucketOwner: &account})
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchBucket", "NotFound":
			return fmt.Errorf("find bucket %q: %w", name, reconcile.ErrNotFound)
		case "AccessDenied", "Forbidden":
			return fmt.Errorf("find bucket %q: %w: %w", name, reconcile.ErrForbidden, err)
		}
	}
	if err != nil {
		return fmt.Errorf("find bucket %q: %w", name, err)
	}
	return nil
}

// List implements reconcile.Reader.
func (b *Bucket) List(ctx context.Context, prefix string) ([]reconcile.Object, error) {
	return b.ListAfter(ctx, prefix, "")
}

// ListAfter returns the objects under the prefix whose keys come after the given one, in key order.
func (b *Bucket) ListAfter(ctx context.Context, prefix, after string) ([]reconcile.Object, error) {
	var objects []reconcile.Object
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(b.api, in)
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

// Delete deletes an object. It is no error when there is none.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	return b.wrap(err, "delete", key)
}

// Folders returns what comes before the first slash of the bucket's keys, in order.
func (b *Bucket) Folders(ctx context.Context) ([]string, error) {
	var folders []string
	pages := s3.NewListObjectsV2Paginator(b.api, &s3.ListObjectsV2Input{Bucket: &b.name, Delimiter: new("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.wrap(err, "list", "")
		}
		for _, p := range page.CommonPrefixes {
			folders = append(folders, strings.TrimSuffix(aws.ToString(p.Prefix), "/"))
		}
	}
	return folders, nil
}

// sourceKey is the metadata that says what a published object is a copy of.
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
			return fmt.Errorf("%s %s: %w", operation, b.URI(key), ErrNotFound)
		case "PreconditionFailed", "ConditionalRequestConflict":
			return fmt.Errorf("%s %s: %w", operation, b.URI(key), ErrBusy)
		case "AccessDenied", "Forbidden":
			return fmt.Errorf("%s %s: access denied: the caller's role lacks a permission: %w", operation, strings.TrimSuffix(b.URI(key), "/"), err)
		}
	}
	return fmt.Errorf("%s %s: %w", operation, b.URI(key), err)
}
