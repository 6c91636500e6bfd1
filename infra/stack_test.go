package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/golden"
	"github.com/landfall/landfall/statemachine"
)

// template is a synthesised CloudFormation template.
type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

// synthesised is made once: starting the CDK kernel takes longer than every check.
var synthesised = sync.OnceValues(func() (map[string]string, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(root, "build", "venv", "bin")
	if _, err := os.Stat(filepath.Join(bin, "node")); err != nil {
		return nil, fmt.Errorf("%w: run make setup", err)
	}
	dir, err := os.MkdirTemp("", "landfall-infra-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	built, err := standIns(dir)
	if err != nil {
		return nil, err
	}
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: new(false)})
	stacks := map[string]awscdk.Stack{
		"landing":        newLandingStack(app, "Landfall", built, &awscdk.StackProps{}),
		"sampledatabase": newSampleDatabaseStack(app, "LandfallSampleDatabase", &awscdk.StackProps{}),
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: new(true)}), nil)
	out := map[string]string{}
	for name, stack := range stacks {
		for _, severity := range []string{"error", "warning"} {
			found := assertions.Annotations_FromStack(stack)
			messages := found.FindError(new("*"), assertions.Match_StringLikeRegexp(new("AwsSolutions-.*")))
			if severity == "warning" {
				messages = found.FindWarning(new("*"), assertions.Match_StringLikeRegexp(new("AwsSolutions-.*")))
			}
			if n := len(*messages); n > 0 {
				data, err := json.MarshalIndent(messages, "", "  ")
				if err != nil {
					return nil, err
				}
				out[name+" nag"] += fmt.Sprintf("%d of severity %s: %s\n", n, severity, data)
			}
		}
		data, err := json.MarshalIndent(assertions.Template_FromStack(stack, nil).ToJSON(), "", "  ")
		if err != nil {
			return nil, err
		}
		out[name] = string(data)
	}
	return out, nil
})

// standIns are tiny files in dir in place of what a deployment builds.
func standIns(dir string) (*artifacts, error) {
	a := &artifacts{architecture: "arm64", functions: map[string]string{}, layoutVersion: "0123456789abcdef", staleAfter: "6h"}
	for _, name := range statemachine.Functions() {
		a.functions[name] = filepath.Join(dir, name)
		if err := os.MkdirAll(a.functions[name], 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(a.functions[name], "bootstrap"), []byte(name), 0o755); err != nil {
			return nil, err
		}
	}
	for _, f := range []publication{
		{"Blueprint", "landfall.zip", "blueprints/landfall.zip"},
		{"Script", "land_table.py", "jobs/land_table.py"},
		{"Package", "landing.zip", "jobs/landing.zip"},
		{"Wheelduckdb", "duckdb-1.whl", "wheels/duckdb-1.whl"},
		{"Wheelduckdbextensionpostgresscanner", "duckdb_extension-1.whl", "wheels/duckdb_extension-1.whl"},
	} {
		f.path = filepath.Join(dir, f.path)
		if err := os.WriteFile(f.path, []byte(f.key), 0o644); err != nil {
			return nil, err
		}
		a.files = append(a.files, f)
	}
	return a, nil
}

func synth(t *testing.T, name string) (string, template) {
	t.Helper()
	all, err := synthesised()
	if err != nil {
		t.Fatal(err)
	}
	var parsed template
	if err := json.Unmarshal([]byte(all[name]), &parsed); err != nil {
		t.Fatal(err)
	}
	return all[name], parsed
}

// assetHash is what changes with every edit of the code that is deployed.
var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

func TestTemplatesAreTheGoldenOnes(t *testing.T) {
	for _, name := range []string{"landing", "sampledatabase"} {
		got, _ := synth(t, name)
		got = assetHash.ReplaceAllString(got, "<hash>") + "\n"
		golden.Check(t, filepath.Join("testdata", name+".golden.json"), got)
	}
}

func TestCdkNagFindsNothingUnexplained(t *testing.T) {
	all, err := synthesised()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"landing", "sampledatabase"} {
		if found := all[name+" nag"]; found != "" {
			t.Errorf("%s:\n%s", name, found)
		}
	}
}

// W3005 is left out: it is about the DependsOn that CDK writes beside a reference.
func TestCfnLintIsClean(t *testing.T) {
	for _, name := range []string{"landing", "sampledatabase"} {
		text, _ := synth(t, name)
		file := filepath.Join(t.TempDir(), name+".json")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("../build/venv/bin/cfn-lint", "--non-zero-exit-code", "informational", "--ignore-checks", "W3005", "--", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestBucketsArePrivateKeptAndTLSOnly(t *testing.T) {
	_, parsed := synth(t, "landing")
	buckets, policies := 0, 0
	for id, r := range parsed.Resources {
		switch r.Type {
		case "AWS::S3::Bucket":
			buckets++
			if r.DeletionPolicy != "Retain" {
				t.Errorf("%s is deleted with the stack", id)
			}
			want := map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}
			if diff := cmp.Diff(want, r.Properties["PublicAccessBlockConfiguration"]); diff != "" {
				t.Errorf("%s can be made public:\n%s", id, diff)
			}
			if fmt.Sprint(r.Properties["VersioningConfiguration"]) != "map[Status:Enabled]" || r.Properties["BucketEncryption"] == nil {
				t.Errorf("%s is not versioned or not encrypted", id)
			}
		case "AWS::S3::BucketPolicy":
			policies++
			if text := fmt.Sprint(r.Properties); !strings.Contains(text, "aws:SecureTransport:false") || !strings.Contains(text, "Effect:Deny") {
				t.Errorf("%s does not refuse plain HTTP: %s", id, text)
			}
		}
	}
	if buckets != 2 || policies != 2 {
		t.Errorf("%d buckets and %d bucket policies, want 2 and 2", buckets, policies)
	}
}

func TestTheTopicIsTLSOnlyAndOpenToAlarmsOfTheAccount(t *testing.T) {
	_, parsed := synth(t, "landing")
	policies := 0
	for id, r := range parsed.Resources {
		if r.Type != "AWS::SNS::TopicPolicy" {
			continue
		}
		policies++
		text := fmt.Sprint(r.Properties)
		for _, want := range []string{"aws:SecureTransport:false", "Effect:Deny", "Service:cloudwatch.amazonaws.com", "aws:SourceAccount:map[Ref:AWS::AccountId]"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s: %s", id, want, text)
			}
		}
	}
	if policies != 1 {
		t.Errorf("%d topic policies, want 1", policies)
	}
}

func TestFunctionsAreOneKindAndNothingElseRuns(t *testing.T) {
	_, parsed := synth(t, "landing")
	functions := 0
	for id, r := range parsed.Resources {
		// A custom resource or a function of CDK's own would be code that nobody here tests.
		if strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource" {
			t.Errorf("%s is a custom resource", id)
		}
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		functions++
		if r.Properties["Runtime"] != "provided.al2023" || fmt.Sprint(r.Properties["Architectures"]) != "[arm64]" {
			t.Errorf("%s: runtime %v on %v", id, r.Properties["Runtime"], r.Properties["Architectures"])
		}
	}
	if functions != len(statemachine.Functions()) {
		t.Errorf("%d functions, want the %d of lambdas/", functions, len(statemachine.Functions()))
	}
}

func TestEveryPlaceholderIsSubstituted(t *testing.T) {
	_, parsed := synth(t, "landing")
	var want []string
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(statemachine.Definition, -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, r := range parsed.Resources {
		if r.Type != "AWS::StepFunctions::StateMachine" {
			continue
		}
		var got []string
		for name := range r.Properties["DefinitionSubstitutions"].(map[string]any) {
			got = append(got, name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("placeholders and substitutions differ (-definition +stack):\n%s", diff)
		}
		return
	}
	t.Error("there is no state machine")
}
