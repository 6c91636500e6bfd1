package applychange

import (
	"reflect"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/reconcile"
)

// targets names what the trigger starts, sorted, as one text.
func targets(t reconcile.Trigger, rename func(string) string) string {
	var names []string
	actions, _ := t.Definition["Actions"].([]any)
	for _, a := range actions {
		action, _ := a.(map[string]any)
		for _, kind := range []string{"JobName", "CrawlerName"} {
			if name, ok := action[kind].(string); ok && name != "" {
				names = append(names, kind+"="+rename(name))
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, "\n")
}

func asIs(s string) string { return s }

// rewrite is a copy with every string but the field names rewritten.
func rewrite(d reconcile.Definition, f func(string) string) reconcile.Definition {
	out := reconcile.Definition{}
	for name, value := range d {
		out[name] = rewriteValue(value, f)
	}
	return out
}

func rewriteValue(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = rewriteValue(v[i], f)
		}
		return out
	case map[string]any:
		return map[string]any(rewrite(v, f))
	default:
		return v
	}
}

func equal(a, b reconcile.Definition) bool { return reflect.DeepEqual(a, b) }
