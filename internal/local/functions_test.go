package local

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/landfall/landfall/internal/local/functions"
)

// bootstrap builds the test function of package functions once.
var bootstrap = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "landfall-local-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./functions/testdata/function")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build test function: %w: %s", err, out)
	}
	return os.ReadFile(path)
})

// functionZip is the test function as a deployment package; the comment makes packages differ.
func functionZip(t *testing.T, comment string) []byte {
	t.Helper()
	binary, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Store}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err == nil {
		_, err = f.Write(binary)
	}
	if err = errors.Join(err, w.SetComment(comment), w.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func deployFunction(t *testing.T, e *Endpoint, name string) *lambda.Client {
	t.Helper()
	role, err := cli(t, e.URL(), "iam", "create-role", "--role-name", name, "--query", "Role.Arn", "--assume-role-policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	if err != nil {
		t.Fatal(role)
	}
	client := lambda.NewFromConfig(config(e))
	_, err = client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: types.RuntimeProvidedal2023,
		Handler: new("bootstrap"), Timeout: new(int32(20)), Code: &types.FunctionCode{ZipFile: functionZip(t, "")},
		Environment: &types.Environment{Variables: map[string]string{"VERSION": "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// answer is what the test function returns.
type answer struct {
	PID, Count int
	Env        []string
}

func invoke(t *testing.T, client *lambda.Client, name string) answer {
	t.Helper()
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"Do":"test"}`)})
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out.Payload, &a); err != nil || out.FunctionError != nil || a.PID == 0 {
		t.Fatalf("invoke %s = %s", name, out.Payload)
	}
	return a
}

func TestFunctionOfTheLambdaAPI(t *testing.T) {
	e := endpoint(t)
	client := deployFunction(t, e, "api")
	for _, name := range []string{
		"api", "api:$LATEST", "123456789012:function:api", "arn:aws:lambda:eu-west-1:123456789012:function:api",
		"arn:aws:lambda:eu-west-1:123456789012:function:api:$LATEST",
	} {
		if a := invoke(t, client, name); !slices.Contains(a.Env, "VERSION=1") || !slices.Contains(a.Env, "AWS_ENDPOINT_URL="+e.URL()) {
			t.Errorf("%s: environment %v", name, a.Env)
		}
	}
	_, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: new("api"), Environment: &types.Environment{Variables: map[string]string{"VERSION": "2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	configured := invoke(t, client, "api")
	if !slices.Contains(configured.Env, "VERSION=2") {
		t.Errorf("after the update of the configuration: %v", configured.Env)
	}
	// Code from S3, which the function keeps when the object changes.
	objects := bucket(t, e, "code")
	put(t, objects, "code", "f.zip", string(functionZip(t, "second")))
	_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: new("api"), S3Bucket: new("code"), S3Key: new("f.zip")})
	if err != nil {
		t.Fatal(err)
	}
	put(t, objects, "code", "f.zip", "no ZIP")
	if a := invoke(t, client, "api"); a.PID == configured.PID || a.Count != 1 {
		t.Errorf("after the update of the code the old process answered: %+v", a)
	}
	stats := e.Functions()
	i := slices.IndexFunc(stats, func(s functions.Stats) bool { return s.Name == "api" })
	if i < 0 || stats[i].Invocations != 7 || stats[i].ColdStarts != 3 || stats[i].PeakMemory < 1<<20 {
		t.Errorf("stats: %+v", stats)
	}
}

func TestInvokeOfNoFunction(t *testing.T) {
	_, err := lambda.NewFromConfig(config(endpoint(t))).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: new("nobody")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("Invoke = %v, want ResourceNotFoundException", err)
	}
}
