package reconcile

import (
	"reflect"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// Types of triggers.
const (
	onDemand    = "ON_DEMAND"
	scheduled   = "SCHEDULED"
	conditional = "CONDITIONAL"
)

// scheduleOf is the schedule of the start trigger; empty for a workflow that is started by hand.
func scheduleOf(v plan.Values) string {
	if v.Text("JobScheduleType") != "Cron" {
		return ""
	}
	return "cron(" + strings.TrimSpace(v.Text("ScheduleCronPattern")) + ")"
}

// targets names what the trigger starts, sorted, as one text.
func (t Trigger) targets(rename func(string) string) string {
	var names []string
	actions, _ := t.Definition["Actions"].([]any)
	for _, a := range actions {
		action, _ := a.(map[string]any)
		for _, kind := range []string{"JobName", "CrawlerName"} {
			if name, ok := action[kind].(string); ok && name != "" {
				if rename != nil {
					name = rename(name)
				}
				names = append(names, kind+"="+name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, "\n")
}

// settled tells that the trigger is in none of the states it only passes through.
func (t Trigger) settled() bool {
	return t.State == "ACTIVATED" || t.State == "DEACTIVATED" || t.State == "CREATED"
}

// idle tells that the trigger should be active and is not.
func (t Trigger) idle() bool {
	return (t.Type == scheduled || t.Type == conditional) && (t.State == "DEACTIVATED" || t.State == "CREATED")
}

// rewrite is a copy with every string but the field names rewritten.
func (d Definition) rewrite(f func(string) string) Definition {
	out := Definition{}
	for name, value := range d {
		out[name] = rewrite(value, f)
	}
	return out
}

func rewrite(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = rewrite(v[i], f)
		}
		return out
	case map[string]any:
		return map[string]any(Definition(v).rewrite(f))
	default:
		return v
	}
}

func (d Definition) equal(other Definition) bool { return reflect.DeepEqual(d, other) }
