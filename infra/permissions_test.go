package main

import (
	"encoding/json"
	"go/types"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"

	"github.com/landfall/landfall/statemachine"
)

// actionsOf is what IAM asks of a caller of an SDK operation, where that is not
// the operation's own name.
var actionsOf = map[string][]string{
	// Without ListBucket a missing object is "access denied".
	"s3:HeadObject": {"s3:GetObject", "s3:ListBucket"},
	"s3:GetObject":  {"s3:GetObject", "s3:ListBucket"},
	"s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
	// ListBucket is the action of both versions of the operation.
	"s3:ListObjectsV2":       {"s3:ListBucket"},
	"s3:DeleteObjects":       {"s3:DeleteObject"},
	"glue:StartBlueprintRun": {"glue:StartBlueprintRun", "iam:PassRole"},
	"sfn:DescribeExecution":  {"states:DescribeExecution"},
}

// beyondTheCode is what a function needs without calling it.
var beyondTheCode = []string{"logs:CreateLogStream", "logs:PutLogEvents"}

var (
	sdkMethod    = regexp.MustCompile(`^\(\*github\.com/aws/aws-sdk-go-v2/service/(\w+)\.Client\)\.(\w+)$`)
	sdkPaginator = regexp.MustCompile(`^github\.com/aws/aws-sdk-go-v2/service/(\w+)\.New(\w+)Paginator$`)
)

// A function's role allows what the function's code can call, and nothing else.
// What it can call is read from the code: the operations of the SDK that are
// reachable from its main package.
func TestARoleAllowsExactlyWhatItsCodeCalls(t *testing.T) {
	_, parsed := synth(t, "landing")
	for _, name := range statemachine.Functions() {
		name = statemachine.Folder(name)
		used := map[string]bool{}
		for _, operation := range operations(t, name) {
			for _, action := range cmpOr(actionsOf[operation], []string{operation}) {
				used[action] = true
			}
		}
		if len(used) == 0 {
			t.Fatalf("%s: no call was found: the search is broken", name)
		}
		for _, action := range beyondTheCode {
			used[action] = true
		}
		want := slices.Sorted(maps.Keys(used))
		got := slices.Sorted(maps.Keys(allowed(t, parsed, name)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the code's calls and the role differ (-calls +role):\n%s", name, diff)
		}
	}
}

// A function that reads objects of the artifacts bucket may list them too: else S3 answers a missing object with
// "access denied", and a lock that was given back, or a plan that was never made, looks like a missing permission.
func TestAFunctionMayListWhatItReads(t *testing.T) {
	_, parsed := synth(t, "landing")
	artifact := regexp.MustCompile(`^\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["Artifacts\w+","Arn"\]\},"/([^"]+)"\]\]\}$`)
	for _, name := range statemachine.Functions() {
		name = statemachine.Folder(name)
		reads, lists := 0, false
		for _, s := range statementsOf(t, parsed, name) {
			for _, action := range list(s["Action"]) {
				switch action {
				case "s3:ListBucket":
					lists = lists || s["Condition"] == nil // what a condition means for a GET is not documented
				case "s3:GetObject":
					for _, resource := range list(s["Resource"]) {
						text, err := json.Marshal(resource)
						if err != nil {
							t.Fatal(err)
						}
						if artifact.Match(text) {
							reads++
						}
					}
				}
			}
		}
		if reads == 0 {
			t.Errorf("%s: no read of the artifacts bucket was found: the search is broken", name)
		}
		if !lists {
			t.Errorf("%s reads the artifacts bucket and may not list it", name)
		}
	}
}

func cmpOr(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

// operations are the SDK operations that lambdas/<name> can reach, as service:Operation.
func operations(t *testing.T, name string) []string {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadAllSyntax &^ packages.NeedDeps, Dir: ".."},
		"./lambdas/"+name, "./internal/reconcile/...", "./internal/report", "./internal/watch", "./internal/glue", "./internal/s3", "./internal/sfn", "./internal/prerequisites")
	if err != nil || packages.PrintErrors(loaded) > 0 {
		t.Fatalf("load lambdas/%s: %v", name, err)
	}
	program, built := ssautil.Packages(loaded, ssa.InstantiateGenerics)
	program.Build()
	walk := &walker{program: program, seen: map[*ssa.Function]bool{}, found: map[string]bool{}}
	for _, p := range built {
		if p == nil {
			continue
		}
		for _, member := range p.Members {
			if named, ok := member.(*ssa.Type); ok {
				walk.concrete = append(walk.concrete, types.NewPointer(named.Type()))
			}
		}
	}
	for _, p := range built {
		if p != nil && p.Pkg.Name() == "main" {
			walk.function(p.Func("main"))
		}
	}
	return slices.Sorted(maps.Keys(walk.found))
}

// walker follows calls through Landfall's own packages: static ones, closures,
// and calls of an interface's method to every type of ours that has it.
type walker struct {
	program  *ssa.Program
	concrete []types.Type
	seen     map[*ssa.Function]bool
	found    map[string]bool
}

func (w *walker) function(f *ssa.Function) {
	if f == nil || w.seen[f] {
		return
	}
	w.seen[f] = true
	for _, pattern := range []*regexp.Regexp{sdkMethod, sdkPaginator} {
		if m := pattern.FindStringSubmatch(f.String()); m != nil {
			w.found[m[1]+":"+m[2]] = true
		}
	}
	// A closure may be called by code that is not looked at, such as the Lambda library's.
	for _, closure := range f.AnonFuncs {
		w.function(closure)
	}
	for _, block := range f.Blocks {
		for _, instruction := range block.Instrs {
			if method, ok := instruction.(*ssa.MakeClosure); ok {
				w.function(method.Fn.(*ssa.Function)) // a method that is passed on as a value
			}
			call, ok := instruction.(ssa.CallInstruction)
			if !ok {
				continue
			}
			if !call.Common().IsInvoke() {
				w.function(call.Common().StaticCallee())
				continue
			}
			method := call.Common().Method
			for _, t := range w.concrete {
				if selection := w.program.MethodSets.MethodSet(t).Lookup(method.Pkg(), method.Name()); selection != nil && types.Implements(t, call.Common().Value.Type().Underlying().(*types.Interface)) {
					w.function(w.program.MethodValue(selection))
				}
			}
		}
	}
}

// allowed is every action that the role of a function allows, with its resources.
func allowed(t *testing.T, parsed template, name string) map[string][]any {
	t.Helper()
	return actionsIn(statementsOf(t, parsed, name))
}

// statementsOf are those of the policy of a function's role.
func statementsOf(t *testing.T, parsed template, name string) []map[string]any {
	t.Helper()
	for id, r := range parsed.Resources {
		if r.Type == "AWS::IAM::Policy" && strings.HasPrefix(strings.ToLower(id), name+"role") {
			return statements(r)
		}
	}
	t.Fatalf("there is no policy of %s", name)
	return nil
}

func statements(policy resource) []map[string]any {
	var found []map[string]any
	for _, s := range policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
		found = append(found, s.(map[string]any))
	}
	return found
}

func actions(policy resource) map[string][]any { return actionsIn(statements(policy)) }

func actionsIn(statements []map[string]any) map[string][]any {
	found := map[string][]any{}
	for _, statement := range statements {
		for _, action := range list(statement["Action"]) {
			found[action.(string)] = append(found[action.(string)], list(statement["Resource"])...)
		}
	}
	return found
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// unscoped are the actions for which IAM knows no resource.
var unscoped = []string{
	"glue:ListWorkflows", "glue:ListJobs", "glue:ListTriggers", "glue:ListCrawlers", "servicequotas:ListServiceQuotas",
	"cloudwatch:PutMetricData",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints",
	// Written by CDK for tracing and for the state machine's own log delivery.
	"xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
	"logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:GetLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
}

func TestNoActionIsAWildcardAndNoResourceWhereIAMKnowsFiner(t *testing.T) {
	_, parsed := synth(t, "landing")
	for id, r := range parsed.Resources {
		if r.Type != "AWS::IAM::Policy" {
			continue
		}
		for action, resources := range actions(r) {
			if strings.Contains(action, "*") {
				t.Errorf("%s allows %s", id, action)
			}
			if slices.Contains(resources, "*") && !slices.Contains(unscoped, action) {
				t.Errorf("%s allows %s on every resource", id, action)
			}
		}
	}
}

// glueItself is what Glue does with the job's role around the job: its log, its
// metrics, and the network interface of its connection.
var glueItself = []string{
	"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "cloudwatch:PutMetricData", "glue:GetConnection",
	"ec2:CreateNetworkInterface", "ec2:CreateTags", "ec2:DeleteNetworkInterface", "ec2:DeleteTags",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
	"ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints",
}

func TestTheJobRoleAllowsExactlyWhatTheJobCalls(t *testing.T) {
	_, parsed := synth(t, "landing")
	out, err := exec.Command("../build/venv/bin/python", "testdata/boto3_calls.py", "../blueprint/landing").Output()
	if err != nil {
		t.Fatalf("%v: run make setup", err)
	}
	var operations []string
	if err := json.Unmarshal(out, &operations); err != nil {
		t.Fatal(err)
	}
	if len(operations) < 5 {
		t.Fatalf("only %v was found: the search is broken", operations)
	}
	want := map[string]bool{}
	for _, operation := range operations {
		for _, action := range cmpOr(actionsOf[operation], []string{operation}) {
			want[action] = true
		}
	}
	for _, action := range glueItself {
		want[action] = true
	}
	got := map[string]bool{}
	for id, r := range parsed.Resources {
		if r.Type == "AWS::IAM::Policy" && strings.HasPrefix(id, "JobRole") {
			for action := range actions(r) {
				got[action] = true
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the job's calls and its role differ (-calls +role):\n%s", diff)
	}
}
