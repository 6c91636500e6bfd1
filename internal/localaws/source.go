package localaws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/landfall/landfall/internal/localaws/functions"
)

// functionSource reads deployed functions from moto. Moto does not give back a function's ZIP: one that was sent in
// a request is kept when it passes the front, one in S3 is found by its digest.
type functionSource struct {
	clients clients
	zips    string // folder of kept ZIPs, by digest
}

// Function implements functions.Source.
func (s *functionSource) Function(ctx context.Context, region, name string) (functions.Function, error) {
	name, arnRegion, _ := splitFunctionName(name)
	region = cmp.Or(arnRegion, region)
	out, err := s.clients.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name},
		func(o *lambda.Options) { o.Region = region })
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return functions.Function{}, functions.ErrNotFound
	}
	if err != nil {
		return functions.Function{}, fmt.Errorf("get function %q: %w", name, err)
	}
	c := out.Configuration
	f := functions.Function{
		Name: value(c.FunctionName), ARN: value(c.FunctionArn), Version: "$LATEST", Region: region,
		Runtime: string(c.Runtime), Handler: value(c.Handler), PackageType: string(c.PackageType),
		MemoryMB: int(value(c.MemorySize)), Timeout: time.Duration(value(c.Timeout)) * time.Second,
		CodeSHA256: value(c.CodeSha256),
	}
	if c.Environment != nil {
		f.Environment = c.Environment.Variables
	}
	if out.Concurrency != nil && out.Concurrency.ReservedConcurrentExecutions != nil {
		f.Reserved = new(int(*out.Concurrency.ReservedConcurrentExecutions))
	}
	f.Revision = revision(f)
	return f, nil
}

// revision digests everything that a running process was started with.
func revision(f functions.Function) string {
	f.Revision, f.Reserved = "", nil
	text, _ := json.Marshal(f)
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// splitFunctionName takes a name, partial or full ARN apart
// (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionName).
func splitFunctionName(s string) (name, region, qualifier string) {
	if rest, ok := strings.CutPrefix(s, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 6) // partition:lambda:region:account:function:name[:qualifier]
		if len(parts) == 6 {
			name, qualifier, _ = strings.Cut(parts[5], ":")
			return name, parts[2], qualifier
		}
	}
	if _, rest, ok := strings.Cut(s, ":function:"); ok {
		s = rest
	}
	name, qualifier, _ = strings.Cut(s, ":")
	return name, "", qualifier
}

// Code implements functions.Source.
func (s *functionSource) Code(ctx context.Context, f functions.Function) ([]byte, error) {
	if content, err := os.ReadFile(s.keptPath(f.CodeSHA256)); err == nil {
		return content, nil
	}
	out, err := s.clients.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &f.Name},
		func(o *lambda.Options) { o.Region = f.Region })
	if err != nil {
		return nil, fmt.Errorf("get function %q: %w", f.Name, err)
	}
	if out.Code == nil || out.Code.Location == nil {
		return nil, fmt.Errorf("function %q has no ZIP", f.Name)
	}
	location, err := url.Parse(*out.Code.Location)
	if err != nil {
		return nil, fmt.Errorf("function %q: code location: %w", f.Name, err)
	}
	return s.searchBuckets(ctx, strings.TrimPrefix(location.Path, "/"), f.CodeSHA256)
}

// searchBuckets finds the object that has the digest: the location moto shows names the key but not the bucket.
func (s *functionSource) searchBuckets(ctx context.Context, key, digest string) ([]byte, error) {
	buckets, err := s.clients.s3.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	for _, bucket := range buckets.Buckets {
		content, err := getObject(ctx, s.clients.s3, value(bucket.Name), key)
		if err == nil && digestOf(content) == digest {
			return content, nil
		}
	}
	return nil, fmt.Errorf("no bucket has the deployed ZIP %q (SHA-256 %s)", key, digest)
}

// keep stores a ZIP by its digest until the endpoint closes.
func (s *functionSource) keep(content []byte) error {
	if err := os.MkdirAll(s.zips, 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.keptPath(digestOf(content)), content, 0o644)
}

func (s *functionSource) keptPath(digest string) string {
	return filepath.Join(s.zips, strings.NewReplacer("/", "_", "+", "-").Replace(digest)+".zip")
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// getObject reads a whole object.
func getObject(ctx context.Context, client *s3.Client, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	var content bytes.Buffer
	if _, err := io.Copy(&content, out.Body); err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", bucket, key, err)
	}
	return content.Bytes(), nil
}

// value reads an optional field.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
