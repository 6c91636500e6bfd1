package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// Values are the parameters of one blueprint run as Glue takes them: those of
// catalog.Parameters that the blueprint declares, and its own.
type Values map[string]any

// JSON is the values as a blueprint run takes them: one JSON object, its keys sorted.
func (v Values) JSON() string { return mustJSON(v) }

// Text is the value as text, empty when there is none.
func (v Values) Text(name string) string {
	switch value := v[name].(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		return mustJSON(value)
	}
}

// Differences compares the values that a workflow was made from, in JSON, with
// those it should be made from. It is empty when the former are not known.
func Differences(observed string, want Values) []Difference {
	var old Values
	if json.Unmarshal([]byte(observed), &old) != nil || old == nil {
		return nil
	}
	names := maps.Clone(old)
	maps.Copy(names, want)
	var changed []Difference
	for name := range names {
		if d := (Difference{name, old.Text(name), want.Text(name)}); d.Old != d.New {
			changed = append(changed, d)
		}
	}
	slices.SortFunc(changed, func(a, b Difference) int { return cmp.Compare(a.Parameter, b.Parameter) })
	return changed
}

// declared are the values of the parameters that the blueprint declares, and of its own that the catalog gives.
func (b Blueprint) declared(all Values, own map[string]any) Values {
	if b.Declares == nil {
		return all
	}
	maps.Copy(all, own)
	maps.DeleteFunc(all, func(name string, _ any) bool { return !slices.Contains(b.Declares, name) })
	return all
}
