package plan

import (
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// stagingSuffix ends the name of the workflow that a blueprint run makes for an
// update. No catalog may use it.
const stagingSuffix = "_landfall_new"

// Updating stands in for the fingerprint of a workflow while an update changes
// it: cut off there, it is neither what it was nor what it should become.
const Updating = "updating"

// Staging is the name of the workflow that an update of the named one is staged in.
func Staging(workflow string) string { return workflow + stagingSuffix }

// IsStaging reports whether the name is that of a staging workflow.
func IsStaging(name string) bool { return strings.HasSuffix(name, stagingSuffix) }

// IsStaged reports whether the name is one of a job, crawler or trigger of the
// workflow's staging workflow.
func IsStaged(name, workflow string) bool { return IsNamedAfter(name, Staging(workflow)) }

// IsNamedAfter reports whether the name begins with the workflow's, as those of its
// jobs and crawlers do. A layout may have changed case and separators.
func IsNamedAfter(name, workflow string) bool {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	return strings.HasPrefix(plain(name), plain(workflow))
}

// Unstage turns the names in a text of a staging workflow into those of the live one.
func Unstage(text string) string { return catalog.StagingSuffix.ReplaceAllLiteralString(text, "") }

// StagingParameters are those of the blueprint run that stages an update: the
// workflow has another name and must never fire.
func StagingParameters(v Values) Values {
	staged := make(Values, len(v))
	for name, value := range v {
		switch name {
		case "WorkflowName":
			value = Staging(v.Text("WorkflowName"))
		case "JobScheduleType":
			value = "OnDemand"
		case "ScheduleCronPattern":
			value = ""
		}
		staged[name] = value
	}
	return staged
}
