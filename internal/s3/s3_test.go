package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

// buckets serves real S3 over HTTP with the two buckets of a deployment.
func buckets(t *testing.T) (aws.Config, *sdk.Client) {
	t.Helper()
	backend := s3mem.New()
	for _, name := range []string{"artifacts", "assets"} {
		if err := backend.CreateBucket(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	config := aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	return config, sdk.NewFromConfig(config, func(o *sdk.Options) { o.UsePathStyle = true })
}

func TestGetPutList(t *testing.T) {
	config, _ := buckets(t)
	b := s3.New(config, "artifacts")
	if _, err := b.Get(t.Context(), "nothing"); !errors.Is(err, reconcile.ErrNotFound) {
		t.Errorf("Get of a missing key = %v, want ErrNotFound", err)
	}
	for i := range 3 {
		if err := b.Put(t.Context(), fmt.Sprintf("catalogs/%d.json", i), []byte("body"), "application/json"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(t.Context(), "other", nil, "text/plain"); err != nil {
		t.Fatal(err)
	}
	got, err := b.List(t.Context(), "catalogs/")
	if err != nil {
		t.Fatal(err)
	}
	want := []reconcile.Object{{Key: "catalogs/0.json", Size: 4}, {Key: "catalogs/1.json", Size: 4}, {Key: "catalogs/2.json", Size: 4}}
	if !slices.Equal(want, got) {
		t.Errorf("List = %v, want %v", got, want)
	}
	body, err := b.Get(t.Context(), "catalogs/1.json")
	if err != nil || string(body) != "body" {
		t.Errorf("Get = %q, %v", body, err)
	}
}

// Publish runs in every execution, so what is there already must cost no copy.
func TestPublishCopiesOnlyWhatChanged(t *testing.T) {
	config, client := buckets(t)
	ctx := context.Background()
	b := s3.New(config, "artifacts")
	assets := s3.New(config, "assets")
	for key, body := range map[string]string{"v1.py": "one", "v2 +ü.py": "two"} {
		if err := assets.Put(ctx, key, []byte(body), "text/plain"); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(from, want string) {
		t.Helper()
		if err := b.CopyIfChanged(ctx, from, "jobs/land_table.py"); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Get(ctx, "jobs/land_table.py"); err != nil || string(got) != want {
			t.Errorf("after publishing %s: %q, %v; want %q", from, got, err, want)
		}
	}
	modified := func() string {
		head, err := client.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: new("artifacts"), Key: new("jobs/land_table.py")})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(head.LastModified.UnixNano(), aws.ToString(head.VersionId))
	}
	publish("s3://assets/v1.py", "one")
	first := modified()
	// Were the object copied again, the changed source would show.
	if err := assets.Put(ctx, "v1.py", []byte("changed"), "text/plain"); err != nil {
		t.Fatal(err)
	}
	publish("s3://assets/v1.py", "one")
	if got := modified(); got != first {
		t.Errorf("an unchanged object was written again: %s, then %s", first, got)
	}
	publish("s3://assets/v2 +ü.py", "two")
	if err := b.CopyIfChanged(ctx, "https://example.com/x", "jobs/x"); err == nil {
		t.Error("Publish of something that is no s3:// URI must fail")
	}
	if err := b.CopyIfChanged(ctx, "s3://assets/absent", "jobs/x"); !errors.Is(err, reconcile.ErrNotFound) {
		t.Errorf("Publish of a missing source = %v, want ErrNotFound", err)
	}
}

// Of two executions that write the same object at the same time, one must learn that it lost.
func TestPutIfWritesOnlyOverWhatWasRead(t *testing.T) {
	config, _ := buckets(t)
	b := s3.New(config, "artifacts")
	put := func(body, tag string) error {
		return b.PutIfMatch(t.Context(), "locks/hr.json", []byte(body), "text/plain", tag)
	}
	if err := put("first", ""); err != nil {
		t.Fatal(err)
	}
	if err := put("second", ""); !errors.Is(err, s3.ErrBusy) {
		t.Errorf("a second creation: %v, want ErrBusy", err)
	}
	body, tag, err := b.GetWithETag(t.Context(), "locks/hr.json")
	if err != nil || string(body) != "first" || tag == "" {
		t.Fatalf("%q, %q, %v", body, tag, err)
	}
	if err := put("second", tag); err != nil {
		t.Errorf("a write over what was read: %v", err)
	}
	if err := put("third", tag); !errors.Is(err, s3.ErrBusy) {
		t.Errorf("a write over what has changed: %v, want ErrBusy", err)
	}
}

func TestListAfterAndFolders(t *testing.T) {
	config, _ := buckets(t)
	b := s3.New(config, "artifacts")
	for _, key := range []string{"hr/a/1.json", "hr/a/2.json", "hr/a/3.json", "sales/b", "README"} {
		if err := b.Put(t.Context(), key, nil, "text/plain"); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := b.ListAfter(t.Context(), "hr/a/", "hr/a/1.json")
	if want := []reconcile.Object{{Key: "hr/a/2.json"}, {Key: "hr/a/3.json"}}; err != nil || !slices.Equal(listed, want) {
		t.Errorf("ListAfter = %v, %v; want %v", listed, err, want)
	}
	folders, err := b.Folders(t.Context())
	if want := []string{"hr", "sales"}; err != nil || !slices.Equal(folders, want) {
		t.Errorf("Folders = %v, %v; want %v: an object without a slash is in none", folders, err, want)
	}
	for range 2 { // there is nothing left the second time, which is no error
		if err := b.Delete(t.Context(), "sales/b"); err != nil {
			t.Error(err)
		}
	}
	var v struct{}
	if err := b.GetJSON(t.Context(), "README", &v); err == nil {
		t.Error("an empty object was read as JSON")
	}
}

// What S3 answers decides whether a table fails, or whether the check could not be made.
func TestCheckBucket(t *testing.T) {
	cases := map[string]struct {
		reason string
		status int
		code   string
		want   error
	}{
		"there":         {"", http.StatusOK, "", nil},
		"missing":       {"the table would fail", http.StatusNotFound, "NoSuchBucket", reconcile.ErrNotFound},
		"another's":     {"ExpectedBucketOwner does not hold", http.StatusForbidden, "AccessDenied", reconcile.ErrForbidden},
		"not answering": {"it cannot be known", http.StatusInternalServerError, "InternalError", errUnknown},
	}
	for name, c := range cases {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if owner := r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "123456789012" {
				t.Errorf("the expected owner is %q", owner)
			}
			w.WriteHeader(c.status)
			if c.code != "" {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>why</Message></Error>", c.code)
				return
			}
			fmt.Fprint(w, "<LocationConstraint>eu-west-1</LocationConstraint>")
		}))
		b := s3.New(aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1}, "artifacts")
		err := b.CheckBucket(t.Context(), "raw", "123456789012")
		server.Close()
		known := errors.Is(err, reconcile.ErrNotFound) || errors.Is(err, reconcile.ErrForbidden)
		if c.want == errUnknown && (err == nil || known) || c.want != errUnknown && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v: %s", name, err, c.want, c.reason)
		}
	}
}

var errUnknown = errors.New("any other error")
