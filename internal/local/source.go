package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/local/functions"
)

// functionSource reads deployed functions from moto.
type functionSource struct {
	clients clients
	zips    string // folder of deployed ZIPs, by digest: moto_server.py writes them
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
func (s *functionSource) Code(_ context.Context, f functions.Function) ([]byte, error) {
	digest, err := base64.StdEncoding.DecodeString(f.CodeSHA256)
	if err != nil {
		return nil, fmt.Errorf("function %q: code digest: %w", f.Name, err)
	}
	return os.ReadFile(filepath.Join(s.zips, hex.EncodeToString(digest)+".zip"))
}

// getObject reads a whole object. Its errors leave it to the caller to name the object.
func getObject(ctx context.Context, client *s3.Client, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return nil, answerError{answer}
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, err
	}
	return content, nil
}

// answerError is what a service answered, without the SDK's request ids.
type answerError struct{ smithy.APIError }

func (e answerError) Error() string { return e.ErrorCode() + ": " + e.ErrorMessage() }

// value reads an optional field.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
