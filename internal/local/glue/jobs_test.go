package glue_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

func shell(version string) *types.JobCommand {
	return &types.JobCommand{Name: new("pythonshell"), ScriptLocation: new("s3://s/x.py"), PythonVersion: &version}
}

// "GlueVersion 5.1 default when omitted"; "Job Timeout default: 480 min for ≥5.0, 2,880 for ≤4.0"; "GetJob echoes
// MaxCapacity/AllocatedCapacity although WorkerType was set".
func TestJobDefaults(t *testing.T) {
	type shown struct {
		Version  string
		Timeout  int32
		Capacity float64
		Runs     int32
	}
	tests := map[string]struct {
		change func(*sdk.CreateJobInput)
		want   shown
	}{
		"Nothing": {want: shown{"5.1", 480, 10, 1}},
		"Workers": {
			change: func(in *sdk.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = "G.2X", new(int32(3)) },
			want:   shown{"5.1", 480, 6, 1},
		},
		"Glue4": {
			change: func(in *sdk.CreateJobInput) { in.GlueVersion = new("4.0") }, want: shown{"4.0", 2880, 10, 1},
		},
		"Shell": {change: func(in *sdk.CreateJobInput) { in.Command = shell("3.9") }, want: shown{"", 2880, 0.0625, 1}},
		"Runs": {
			change: func(in *sdk.CreateJobInput) {
				in.ExecutionProperty, in.Timeout, in.MaxCapacity = &types.ExecutionProperty{MaxConcurrentRuns: 3}, new(int32(7)), new(4.0)
			},
			want: shown{"5.1", 7, 4, 3},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.job("j", tc.change)
			out, err := s.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("j")})
			s.must(err)
			j := out.Job
			got := shown{aws.ToString(j.GlueVersion), *j.Timeout, *j.MaxCapacity, j.ExecutionProperty.MaxConcurrentRuns}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJobsThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*sdk.CreateJobInput)
		code   string
		words  string
	}{
		"NoCommandName": {
			reason: "Command name should not be null or empty.",
			change: func(in *sdk.CreateJobInput) { in.Command.Name = nil }, words: "Command name should not be null or empty.",
		},
		"UnknownCommand": {change: func(in *sdk.CreateJobInput) { in.Command.Name = new("sparkle") }, words: "sparkle"},
		"ShellWorkers": {
			reason: "Worker Type is not supported for Job Command pythonshell",
			change: func(in *sdk.CreateJobInput) {
				in.Command, in.WorkerType, in.NumberOfWorkers = shell("3.9"), "G.1X", new(int32(2))
			},
			words: "Worker Type is not supported for Job Command pythonshell",
		},
		"ShellCapacity": {
			reason: "MaxCapacity 0.0625 (default; 1 GB) or 1 DPU",
			change: func(in *sdk.CreateJobInput) { in.Command, in.MaxCapacity = shell("3.9"), new(2.0) }, words: "0.0625 or 1",
		},
		"PythonVersion": {
			reason: "regex ^([2-3]|3[.]9)$",
			change: func(in *sdk.CreateJobInput) { in.Command = shell("3.11") }, code: "ValidationException", words: "'command.pythonVersion'",
		},
		"BothSizes": {
			reason: "Never send MaxCapacity/AllocatedCapacity together with WorkerType/NumberOfWorkers",
			change: func(in *sdk.CreateJobInput) {
				in.WorkerType, in.NumberOfWorkers, in.MaxCapacity = "G.1X", new(int32(2)), new(2.0)
			},
			words: "Please do not set Max Capacity if using Worker Type and Number of Workers.",
		},
		"HalfASize": {change: func(in *sdk.CreateJobInput) { in.WorkerType = "G.1X" }, words: "Please set both Worker Type and Number of Workers."},
		"OneWorker": {
			reason: "Spark minimum 2 workers",
			change: func(in *sdk.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = "G.1X", new(int32(1)) },
			words:  "minimum allowed value of Number of Workers is 2",
		},
		"Streaming": {
			reason: "G.025X (streaming only)",
			change: func(in *sdk.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = "G.025X", new(int32(2)) }, words: "G.025X",
		},
		"WorkerType": {
			change: func(in *sdk.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = "G1X", new(int32(2)) },
			code:   "ValidationException", words: "'workerType' failed to satisfy constraint: Member must satisfy enum value set",
		},
		"OldGlue": {
			reason: "≤2.0 EOL 2026-04-01: cannot create/run",
			change: func(in *sdk.CreateJobInput) { in.GlueVersion = new("2.0") }, words: "Given GlueVersion [2.0] is not valid",
		},
		"Retries": {reason: "MaxRetries 0–10", change: func(in *sdk.CreateJobInput) { in.MaxRetries = 11 }, code: "ValidationException", words: "'maxRetries'"},
		"Timeout": {reason: "max 10,080", change: func(in *sdk.CreateJobInput) { in.Timeout = new(int32(10081)) }, words: "10080"},
		"Flex": {
			reason: "FLEX: glueetl, G.1X/G.2X only",
			change: func(in *sdk.CreateJobInput) {
				in.ExecutionClass, in.WorkerType, in.NumberOfWorkers = "FLEX", "G.4X", new(int32(2))
			},
			words: "FLEX",
		},
		"Description": {
			reason: "job/trigger ≤2048", change: func(in *sdk.CreateJobInput) { in.Description = new(strings.Repeat("x", 2049)) },
			code: "ValidationException", words: "'description'",
		},
		"Name": {
			reason: "Names 1–255, printable", change: func(in *sdk.CreateJobInput) { in.Name = new("a\nb") },
			code: "ValidationException", words: "'name' failed to satisfy constraint: Member must satisfy regular expression pattern",
		},
		"Tag": {reason: "no aws prefix", change: func(in *sdk.CreateJobInput) { in.Tags = map[string]string{"aws:x": "y"} }, words: `"aws:x"`},
	}
	s := start(t, nil)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			in := &sdk.CreateJobInput{Name: new("j"), Role: new("r"), Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://s/x.py")}}
			tc.change(in)
			_, err := s.CreateJob(t.Context(), in)
			code := tc.code
			if code == "" {
				code = "InvalidInputException"
			}
			refused(t, err, code, tc.words)
		})
	}
}

// "CreateJob / CreateTrigger with an existing name: different config → IdempotentParameterMismatchException; same
// config → either success or AlreadyExists: UNKNOWN"; "CreateWorkflow duplicate → AlreadyExists".
func TestDuplicates(t *testing.T) {
	create := func(s *service, retries int32) error {
		_, err := s.CreateJob(t.Context(), &sdk.CreateJobInput{
			Name: new("j"), Role: new("r"), MaxRetries: retries, Command: &types.JobCommand{Name: new("glueetl")}, Tags: map[string]string{"n": "1"},
		})
		return err
	}
	trigger := func(s *service, job string) error {
		_, err := s.CreateTrigger(t.Context(), onDemand("w", "t", job))
		return err
	}
	for answer, code := range map[glue.SameConfig]string{
		glue.SameConfigAlreadyExists: "AlreadyExistsException", glue.SameConfigMismatch: "IdempotentParameterMismatchException", glue.SameConfigSucceeds: "",
	} {
		s := start(t, func(c *glue.Config) { c.Unknowns.SameConfig = answer })
		s.workflow("w")
		s.must(create(s, 1))
		s.job("k", nil)
		s.must(trigger(s, "j"))
		refused(t, create(s, 2), "IdempotentParameterMismatchException", "Job with name 'j' already submitted with different configuration")
		refused(t, trigger(s, "k"), "IdempotentParameterMismatchException", "Trigger with name 't' already submitted with different configuration")
		for _, err := range []error{create(s, 1), trigger(s, "j")} {
			if code == "" {
				s.must(err)
			} else {
				refused(t, err, code, "with name '")
			}
		}
		_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("w")})
		refused(t, err, "AlreadyExistsException", "workflow with name: w already exists")
	}
}

// "UpdateJob: the previous definition is completely overwritten — omitted fields are removed/reset (GlueVersion
// retained if omitted). Role+Command are effectively required".
func TestUpdateJob(t *testing.T) {
	s := start(t, nil)
	s.job("j", func(in *sdk.CreateJobInput) {
		in.GlueVersion, in.Description, in.MaxRetries, in.Timeout = new("5.0"), new("old"), 3, new(int32(7))
		in.DefaultArguments = map[string]string{"--a": "1"}
		in.Connections = &types.ConnectionsList{Connections: []string{"c"}}
	})
	update := func(u *types.JobUpdate) error {
		_, err := s.UpdateJob(t.Context(), &sdk.UpdateJobInput{JobName: new("j"), JobUpdate: u})
		return err
	}
	refused(t, update(&types.JobUpdate{Role: new("r")}), "InvalidInputException", "Command name should not be null or empty.")
	refused(t, update(&types.JobUpdate{Command: &types.JobCommand{Name: new("glueetl")}}), "InvalidInputException", "Role")
	s.must(update(&types.JobUpdate{Role: new("r2"), Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://s/y.py")}}))
	out, err := s.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("j")})
	s.must(err)
	j := out.Job
	if *j.GlueVersion != "5.0" || j.Description != nil || j.MaxRetries != 0 || *j.Timeout != 480 || j.DefaultArguments != nil || j.Connections != nil || *j.Role != "r2" {
		t.Errorf("updated: %+v", j)
	}
	_, err = s.UpdateJob(t.Context(), &sdk.UpdateJobInput{JobName: new("none"), JobUpdate: &types.JobUpdate{}})
	refused(t, err, "EntityNotFoundException", "none")
	// "GetJob echoes both; strip before a read-modify-write"
	s.job("k", func(in *sdk.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = "G.1X", new(int32(2)) })
	got, err := s.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("k")})
	s.must(err)
	refused(t, update(&types.JobUpdate{
		Role: got.Job.Role, Command: got.Job.Command, WorkerType: got.Job.WorkerType, NumberOfWorkers: got.Job.NumberOfWorkers, MaxCapacity: got.Job.MaxCapacity,
	}), "InvalidInputException", "Please do not set Max Capacity")
}

// "DeleteJob: if not found, no exception is thrown"; "quotas → ResourceNumberLimitExceeded".
func TestJobLists(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Quotas.Jobs = 3 })
	for _, name := range []string{"c", "a", "b"} {
		s.job(name, func(in *sdk.CreateJobInput) { in.Tags = map[string]string{"is": name} })
	}
	_, err := s.CreateJob(t.Context(), &sdk.CreateJobInput{Name: new("d"), Role: new("r"), Command: &types.JobCommand{Name: new("glueetl")}})
	refused(t, err, "ResourceNumberLimitExceededException", "3 jobs")
	var got []string
	for p := sdk.NewGetJobsPaginator(s, &sdk.GetJobsInput{MaxResults: new(int32(2))}); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		s.must(err)
		for _, j := range out.Jobs {
			got = append(got, *j.Name)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	_, err = s.GetJobs(t.Context(), &sdk.GetJobsInput{NextToken: new("%%%")})
	refused(t, err, "InvalidInputException", "NextToken")
	tagged, err := s.ListJobs(t.Context(), &sdk.ListJobsInput{Tags: map[string]string{"is": "b"}})
	s.must(err)
	batch, err := s.BatchGetJobs(t.Context(), &sdk.BatchGetJobsInput{JobNames: []string{"b", "x"}})
	s.must(err)
	if diff := cmp.Diff([]string{"b"}, tagged.JobNames); diff != "" || len(batch.Jobs) != 1 || batch.JobsNotFound[0] != "x" {
		t.Errorf("%s %+v", diff, batch)
	}
	for range 2 {
		_, err = s.DeleteJob(t.Context(), &sdk.DeleteJobInput{JobName: new("a")})
		s.must(err)
	}
	_, err = s.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("a")})
	refused(t, err, "EntityNotFoundException", "a")
}
