package s3_test

import (
	"context"
	"errors"
	"fmt"
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
