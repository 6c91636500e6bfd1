package glue

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/local/glue/constraints"
)

// jobFields is the definition of a job, as CreateJob and UpdateJob take and GetJob returns it.
type jobFields struct {
	JobMode                   string             `json:",omitempty" check:"one=mode"`
	JobRunQueuingEnabled      *bool              `json:",omitempty"`
	Description               *string            `json:",omitempty" check:"len=0:2048 match=text"`
	LogUri                    *string            `json:",omitempty"`
	Role                      string             `json:",omitempty"`
	ExecutionProperty         *executionProperty `json:",omitempty"`
	Command                   *jobCommand        `json:",omitempty"`
	DefaultArguments          map[string]string  `json:",omitempty"`
	NonOverridableArguments   map[string]string  `json:",omitempty"`
	Connections               *connectionsList   `json:",omitempty"`
	MaxRetries                int                `check:"range=0:10"`
	AllocatedCapacity         int                `json:",omitempty"`
	Timeout                   *int               `json:",omitempty" check:"range=1:"`
	MaxCapacity               *float64           `json:",omitempty"`
	SecurityConfiguration     *string            `json:",omitempty" check:"len=1:255 match=name"`
	NotificationProperty      *notification      `json:",omitempty"`
	GlueVersion               *string            `json:",omitempty" check:"len=1:255 match=glue"`
	NumberOfWorkers           *int               `json:",omitempty"`
	WorkerType                string             `json:",omitempty" check:"one=worker"`
	ExecutionClass            string             `json:",omitempty" check:"one=execution"`
	MaintenanceWindow         *string            `json:",omitempty" check:"match=window"`
	SourceControlDetails      json.RawMessage    `json:",omitempty"`
	CodeGenConfigurationNodes json.RawMessage    `json:",omitempty"`
}

type executionProperty struct{ MaxConcurrentRuns int }

type jobCommand struct {
	Name           string  `json:",omitempty"`
	ScriptLocation *string `json:",omitempty" check:"len=0:400000"`
	PythonVersion  *string `json:",omitempty" check:"match=python"`
	Runtime        *string `json:",omitempty" check:"len=0:64"`
}

type connectionsList struct {
	Connections []string `json:",omitempty" check:"len=0:1000 each.len=0:255"`
}

type notification struct {
	NotifyDelayAfter *int `json:",omitempty" check:"range=1:"`
}

const (
	defaultGlueVersion = "5.1"
	commandShell       = "pythonshell"
	commandStreaming   = "gluestreaming"
	maxTimeoutMinutes  = 10080
)

var (
	commands     = []string{"glueetl", commandShell, commandStreaming, "glueray"}
	glueVersions = []string{"3.0", "4.0", "5.0", "5.1", "6.0", "Auto", "auto"}
	// workerDPU is what one worker of a type counts for MaxCapacity.
	workerDPU = map[string]float64{
		"Standard": 1, "G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
		"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Z.2X": 2,
	}
)

// checkJob checks a definition against the rules that its constraints do not express.
func checkJob(f *jobFields) error {
	if f.Command == nil || f.Command.Name == "" {
		return invalid("Command name should not be null or empty.")
	}
	if f.Role == "" {
		return invalid("Role should not be null or empty.")
	}
	if strings.HasPrefix(f.Role, "arn:") && !constraints.IsRoleARN(f.Role) {
		return invalid("Role %s is not the ARN of a role", f.Role)
	}
	if !slices.Contains(commands, f.Command.Name) {
		return invalid("Command name %s is not one of %s", f.Command.Name, strings.Join(commands, ", "))
	}
	if f.Timeout != nil && *f.Timeout > maxTimeoutMinutes {
		return invalid("Timeout must be at most %d minutes", maxTimeoutMinutes)
	}
	if f.ExecutionProperty != nil && f.ExecutionProperty.MaxConcurrentRuns < 1 {
		return invalid("MaxConcurrentRuns must be at least 1")
	}
	if err := checkCapacity(f.Command.Name, f.WorkerType, f.NumberOfWorkers, f.MaxCapacity, f.AllocatedCapacity); err != nil {
		return err
	}
	if f.Command.Name == commandShell {
		return nil // GlueVersion and ExecutionClass do not apply
	}
	if f.GlueVersion != nil && !slices.Contains(glueVersions, *f.GlueVersion) {
		return invalid("Given GlueVersion [%s] is not valid", *f.GlueVersion)
	}
	if f.ExecutionClass == "FLEX" && (f.Command.Name != "glueetl" || !slices.Contains([]string{"", "G.1X", "G.2X"}, f.WorkerType)) {
		return invalid("ExecutionClass FLEX needs the command glueetl and the worker type G.1X or G.2X")
	}
	return nil
}

// checkCapacity checks that a job, or one job run, is sized in one way only.
func checkCapacity(command, workerType string, workers *int, maxCapacity *float64, allocated int) error {
	switch {
	case command == commandShell && workerType != "":
		return invalid("Worker Type is not supported for Job Command pythonshell")
	case command == commandShell && maxCapacity != nil && *maxCapacity != 0.0625 && *maxCapacity != 1:
		return invalid("MaxCapacity of Job Command pythonshell must be 0.0625 or 1")
	case (workerType != "" || workers != nil) && maxCapacity != nil:
		return invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
	case (workerType != "" || workers != nil) && allocated != 0:
		return invalid("Please do not set Allocated Capacity if using Worker Type and Number of Workers.")
	case (workerType == "") != (workers == nil):
		return invalid("Please set both Worker Type and Number of Workers.")
	case workerType == "G.025X" && command != commandStreaming:
		return invalid("Worker type G.025X is not supported for Job Command %s", command)
	case workers != nil && *workers < 2 && command != "glueray":
		return invalid("To use Worker Type %s, minimum allowed value of Number of Workers is 2.", workerType)
	}
	return nil
}

// withDefaults returns the definition as GetJob shows it. previous is the definition an update replaces, or nil.
func (f jobFields) withDefaults(previous *jobFields) jobFields {
	f.JobMode = cmp.Or(f.JobMode, "SCRIPT")
	if f.JobRunQueuingEnabled == nil {
		f.JobRunQueuingEnabled = new(false)
	}
	if f.ExecutionProperty == nil {
		f.ExecutionProperty = &executionProperty{MaxConcurrentRuns: 1}
	}
	if f.GlueVersion == nil && f.Command.Name != commandShell {
		f.GlueVersion = new(defaultGlueVersion)
		if previous != nil && previous.GlueVersion != nil {
			f.GlueVersion = previous.GlueVersion
		}
	}
	if f.Timeout == nil && f.Command.Name != commandStreaming {
		f.Timeout = new(2880)
		if f.GlueVersion != nil && *f.GlueVersion >= "5" {
			f.Timeout = new(480)
		}
	}
	f.MaxCapacity = capacity(f.Command.Name, f.WorkerType, f.NumberOfWorkers, f.MaxCapacity, f.AllocatedCapacity)
	f.AllocatedCapacity = int(*f.MaxCapacity)
	return f
}

// capacity is the number of DPUs, which GetJob and GetJobRun show also for jobs that are sized by workers.
func capacity(command, workerType string, workers *int, maxCapacity *float64, allocated int) *float64 {
	switch {
	case workers != nil:
		return new(float64(*workers) * workerDPU[workerType])
	case maxCapacity != nil:
		return maxCapacity
	case allocated != 0:
		return new(float64(allocated))
	case command == commandShell:
		return new(0.0625)
	}
	return new(10.0)
}
