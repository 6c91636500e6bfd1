package glue_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

func TestRegistration(t *testing.T) {
	layout := "def generate_layout(u, s): pass"
	config := func(generator string) string {
		return fmt.Sprintf(`{"layoutGenerator": %q, "parameterSpec": {"WorkflowName": {"type": "String"}}}`, generator)
	}
	noise := func(n int) string {
		r, b := rand.NewChaCha8([32]byte{}), make([]byte, n)
		_, _ = r.Read(b)
		return string(b)
	}
	tests := map[string]struct {
		reason string
		key    string
		files  map[string]string
		zip    []byte
		want   string // of ErrorMessage; empty: ACTIVE
	}{
		"Root": {
			reason: "blueprint.cfg sits either at the ZIP root",
			key:    "any-3f2a.zip", files: map[string]string{"blueprint.cfg": config("layout.generate_layout"), "layout.py": layout},
		},
		"Folder": {
			reason: "or in a folder named exactly like the ZIP",
			key:    "compaction.zip", files: map[string]string{"compaction/blueprint.cfg": config("compaction.layout.generate_layout"), "compaction/layout.py": layout},
		},
		"OtherFolder": {
			reason: "Otherwise: Unknown error executing layout generator function FileNotFoundError …",
			key:    "v2/compaction.zip", files: map[string]string{"compaction-1/blueprint.cfg": config("l.g"), "compaction-1/layout.py": layout},
			want: "Unknown error executing layout generator function FileNotFoundError: [Errno 2] No such file or directory: '/tmp/compaction/blueprint.cfg'",
		},
		"NoGenerator": {
			reason: "layoutGenerator must match the form",
			files:  map[string]string{"blueprint.cfg": `{"parameterSpec": {}}`}, want: "blueprint.cfg has no layoutGenerator",
		},
		"ConfigNotJSON": {
			reason: "it must read the cfg to fill ParameterSpec, so an emulator should fail registration too",
			files:  map[string]string{"blueprint.cfg": `{`}, want: "blueprint.cfg is not valid: unexpected end of JSON input",
		},
		"UnknownType": {
			reason: "type required; one of String, Integer, Double, Boolean, S3Uri, S3Bucket, IAMRoleArn, IAMRoleName",
			files:  map[string]string{"blueprint.cfg": `{"layoutGenerator": "l.g", "parameterSpec": {"When": {"type": "Date"}}}`},
			want:   "blueprint.cfg is not valid: parameter When: type must be one of String, Integer, Double, Boolean, S3Uri, S3Bucket, IAMRoleArn, IAMRoleName",
		},
		"LongSpec": {
			reason: "overall ParameterSpec ≤ 131072 chars",
			files: map[string]string{"blueprint.cfg": fmt.Sprintf(
				`{"layoutGenerator": "l.g", "parameterSpec": {"A": {"type": "String", "description": %q}}}`, strings.Repeat("x", 131072))},
			want: "blueprint.cfg: parameterSpec is longer than 131072 characters",
		},
		"TooLarge": {
			reason: "ZIP ≤1 MB compressed",
			files:  map[string]string{"blueprint.cfg": config("l.g"), "data": noise(1<<20 + 1)}, want: "at most 1048576 are allowed",
		},
		"TooLargeUnpacked": {
			reason: "≤5 MB uncompressed",
			files:  map[string]string{"blueprint.cfg": config("l.g"), "data": strings.Repeat("0", 5<<20)}, want: "unpacks to more than 5242880 bytes",
		},
		"Escape": {
			reason: "ZIP members are checked: none leaves the folder it is unpacked to",
			files:  map[string]string{"blueprint.cfg": config("l.g"), "../../layout.py": layout}, want: `a member that is not a file inside it: "../../layout.py"`,
		},
		"Absolute": {
			reason: "ZIP members are checked: none leaves the folder it is unpacked to",
			files:  map[string]string{"blueprint.cfg": config("l.g"), "/etc/layout.py": layout}, want: `"/etc/layout.py"`,
		},
		"Link":   {reason: "ZIP members are checked: no links", zip: linkZIP(t), want: `a member that is not a file inside it: "passwd"`},
		"NotZIP": {reason: "The object must be a ZIP.", zip: []byte("<html>"), want: "the blueprint is not a ZIP"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			if tc.zip == nil {
				tc.zip = archive(t, tc.files)
			}
			b := s.register("b", s.upload(aws.ToString(or(tc.key, "b.zip")), tc.zip))
			message := aws.ToString(b.ErrorMessage)
			if tc.want == "" && b.Status != types.BlueprintStatusActive ||
				tc.want != "" && (b.Status != types.BlueprintStatusFailed || !strings.Contains(message, tc.want)) {
				t.Errorf("%s\nis %s: %s", tc.reason, b.Status, message)
			}
		})
	}
}

func or(s, other string) *string {
	if s == "" {
		return &other
	}
	return &s
}

// linkZIP holds a symbolic link.
func linkZIP(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "passwd"}
	h.SetMode(os.ModeSymlink | 0o777)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write([]byte("/etc/passwd"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// "Failures in ErrorMessage: Unable to access object at location …, Access denied on object at location …"
func TestRegistrationOfWhatCannotBeRead(t *testing.T) {
	s := start(t, nil)
	for location, want := range map[string]string{
		"s3://bucket/none.zip": "Unable to access object at location s3://bucket/none.zip",
		"s3://secret/b.zip":    "Access denied on object at location s3://secret/b.zip",
	} {
		b := s.register("b-"+location[5:11], location)
		if b.Status != types.BlueprintStatusFailed || aws.ToString(b.ErrorMessage) != want {
			t.Errorf("%s is %s: %s", location, b.Status, aws.ToString(b.ErrorMessage))
		}
	}
}

// "GetBlueprint.ParameterSpec is a JSON string … (absent keys come back as null/false)"
func TestParameterSpecIsNormalised(t *testing.T) {
	s := start(t, nil)
	b := s.register("b", s.upload("b.zip", archive(t, map[string]string{
		"blueprint.cfg": `{"layoutGenerator": "l.g", "parameterSpec": {"WorkflowName": {"type": "String"}, "N": {"type": "Integer", "defaultValue": 2, "allowedValues": [2, 3]}}}`,
	})))
	var got any
	s.must(json.Unmarshal([]byte(aws.ToString(b.ParameterSpec)), &got))
	want := map[string]any{
		"WorkflowName": map[string]any{"type": "String", "collection": false, "description": nil, "defaultValue": nil, "allowedValues": nil},
		"N":            map[string]any{"type": "Integer", "collection": false, "description": nil, "defaultValue": 2.0, "allowedValues": []any{2.0, 3.0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := s.GetBlueprint(t.Context(), &sdk.GetBlueprintInput{Name: new("b")})
	s.must(err)
	if out.Blueprint.ParameterSpec != nil {
		t.Error("ParameterSpec without IncludeParameterSpec")
	}
}

// "Service copies the ZIP to BlueprintServiceLocation; later changes at BlueprintLocation have no effect until
// UpdateBlueprint"; "If it fails, the next run uses LastActiveDefinition".
func TestTheCopyOfTheLastGoodUpdateRuns(t *testing.T) {
	s := start(t, nil)
	layout := func(workflow string) []byte {
		return layoutZIP(t, fmt.Sprintf(`
def generate_layout(user_params, system_params):
    job = Job(Name="j", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://s/x.py"})
    return Workflow(Name=%q, Entities=Entities(Jobs=[job]))`, workflow))
	}
	location := s.upload("b.zip", layout("first"))
	first := s.register("b", location)
	s.upload("b.zip", layout("second"))
	if run := s.runBlueprint("b", nil); aws.ToString(run.WorkflowName) != "first" {
		t.Errorf("before UpdateBlueprint: %s", aws.ToString(run.WorkflowName))
	}
	_, err := s.UpdateBlueprint(t.Context(), &sdk.UpdateBlueprintInput{Name: new("b"), BlueprintLocation: &location, Description: new("2")})
	s.must(err)
	second := s.settled("b")
	if second.Status != types.BlueprintStatusActive || aws.ToString(second.BlueprintServiceLocation) == aws.ToString(first.BlueprintServiceLocation) {
		t.Errorf("after UpdateBlueprint: %s, copied to %s", second.Status, aws.ToString(second.BlueprintServiceLocation))
	}

	bad := s.upload("bad.zip", []byte("no ZIP"))
	_, err = s.UpdateBlueprint(t.Context(), &sdk.UpdateBlueprintInput{Name: new("b"), BlueprintLocation: &bad})
	s.must(err)
	failed := s.settled("b")
	if d := failed.LastActiveDefinition; failed.Status != types.BlueprintStatusFailed || d == nil ||
		aws.ToString(d.BlueprintLocation) != location || aws.ToString(d.Description) != "2" {
		t.Errorf("after a bad UpdateBlueprint: %s, %+v", failed.Status, d)
	}
	if run := s.runBlueprint("b", nil); aws.ToString(run.WorkflowName) != "second" {
		t.Errorf("after a bad UpdateBlueprint: %s %s", aws.ToString(run.WorkflowName), aws.ToString(run.ErrorMessage))
	}
}

// "IllegalBlueprintStateException on UpdateBlueprint / StartBlueprintRun when the status does not allow it"
func TestBlueprintStates(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Latency.BlueprintCreate, c.Latency.BlueprintUpdate = -1, time.Hour })
	location := s.upload("single_job.zip", archive(t, singleJob(t)))
	run := func(name string) error {
		_, err := s.StartBlueprintRun(t.Context(), &sdk.StartBlueprintRunInput{
			BlueprintName: &name, RoleArn: new(roleARN), Parameters: new(`{"WorkflowName": "w", "Role": "r"}`),
		})
		return err
	}
	update := func(name string) error {
		_, err := s.UpdateBlueprint(t.Context(), &sdk.UpdateBlueprintInput{Name: &name, BlueprintLocation: &location})
		return err
	}
	s.register("good", location)
	s.must(run("good"))
	s.must(update("good"))
	out, err := s.GetBlueprint(t.Context(), &sdk.GetBlueprintInput{Name: new("good")})
	s.must(err)
	if out.Blueprint.Status != types.BlueprintStatusUpdating {
		t.Errorf("while UpdateBlueprint works the blueprint is %s", out.Blueprint.Status)
	}
	refused(t, update("good"), "IllegalBlueprintStateException", "UPDATING")
	refused(t, run("good"), "IllegalBlueprintStateException", "UPDATING")
	s.register("bad", "s3://bucket/none.zip")
	refused(t, run("bad"), "IllegalBlueprintStateException", "FAILED")
	refused(t, run("none"), "EntityNotFoundException", "none")
	refused(t, update("none"), "EntityNotFoundException", "none")
}

func TestBlueprintOperations(t *testing.T) {
	s := start(t, nil)
	location := s.upload("single_job.zip", archive(t, singleJob(t)))
	for _, name := range []string{"a", "b", "c"} {
		_, err := s.CreateBlueprint(t.Context(), &sdk.CreateBlueprintInput{
			Name: &name, BlueprintLocation: &location, Tags: map[string]string{"is": name}, Description: new("of " + name),
		})
		s.must(err)
		s.settled(name)
	}
	// "CreateBlueprint duplicate → AlreadyExists"
	_, err := s.CreateBlueprint(t.Context(), &sdk.CreateBlueprintInput{Name: new("a"), BlueprintLocation: &location})
	refused(t, err, "AlreadyExistsException", "a")

	list, err := s.ListBlueprints(t.Context(), &sdk.ListBlueprintsInput{MaxResults: new(int32(2))})
	s.must(err)
	rest, err := s.ListBlueprints(t.Context(), &sdk.ListBlueprintsInput{NextToken: list.NextToken})
	s.must(err)
	if diff := cmp.Diff([]string{"a", "b", "c"}, append(list.Blueprints, rest.Blueprints...)); diff != "" || rest.NextToken != nil {
		t.Error(diff)
	}
	tagged, err := s.ListBlueprints(t.Context(), &sdk.ListBlueprintsInput{Tags: map[string]string{"is": "b"}})
	s.must(err)
	if diff := cmp.Diff([]string{"b"}, tagged.Blueprints); diff != "" {
		t.Error(diff)
	}
	batch, err := s.BatchGetBlueprints(t.Context(), &sdk.BatchGetBlueprintsInput{Names: []string{"c", "x", "a"}})
	s.must(err)
	if len(batch.Blueprints) != 2 || len(batch.MissingBlueprints) != 1 || *batch.Blueprints[0].Description != "of c" {
		t.Errorf("BatchGetBlueprints: %+v", batch)
	}
	// "DeleteBlueprint: models no EntityNotFound ⇒ idempotent success returning Name"
	for range 2 {
		out, err := s.DeleteBlueprint(t.Context(), &sdk.DeleteBlueprintInput{Name: new("a")})
		s.must(err)
		if aws.ToString(out.Name) != "a" {
			t.Error("DeleteBlueprint does not return the name")
		}
	}
	_, err = s.GetBlueprint(t.Context(), &sdk.GetBlueprintInput{Name: new("a")})
	refused(t, err, "EntityNotFoundException", "a")
}
