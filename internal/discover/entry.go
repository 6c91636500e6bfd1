package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// member is one key of an entry with its value as JSON.
type member struct {
	key  string
	json string
}

// builtIn are the defaults of the catalog's keys, as JSON.
var builtIn = func() map[string]string {
	defaults := map[string]string{"PrimaryKey": "[]"}
	for _, k := range catalog.EntryKeys() {
		if k.Default != nil {
			defaults[k.Name] = text(k.Default)
		}
	}
	return defaults
}()

// members are the keys of the proposal, in the order of docs/catalog.md, without those that do not concern the table.
func (p Proposal) members() []member {
	all := []member{{"SourceTable", text(p.Table)}, {"LoadType", text(p.LoadType)}}
	add := func(key string, value any) { all = append(all, member{key, text(value)}) }
	if p.LoadType == catalog.Incremental {
		add("DeltaColumnName", catalog.Columns(p.Cursor))
		nulls := p.NullCursor
		if nulls == "" {
			nulls = catalog.Fail
		}
		add("NullCursor", nulls)
	}
	key := p.Key
	if key == nil {
		key = []string{}
	}
	add("PrimaryKey", key)
	if len(key) == 0 && p.LoadType == catalog.Incremental {
		// Defaults may set these, which requires a key.
		add("LookbackSeconds", 0)
		add("DetectDeletes", false)
	}
	if len(p.Policies) > 0 {
		add("Columns", p.Policies)
	}
	// Defaults of the catalog may differ from the default, so the default is a member, too.
	number := func(key string, n int) {
		if n == 0 {
			n = catalog.KeyNamed(key).Default.(int)
		}
		add(key, n)
	}
	number("MaxConnections", p.Connections)
	add("Engine", p.Engine)
	if p.Engine == catalog.PythonShell {
		add("MaxCapacity", p.Capacity)
	} else {
		number("NumberOfWorkers", p.Workers)
	}
	return all
}

// entry is the catalog entry of a proposal: what Defaults, or else the catalog's own defaults, do not say already.
func (p Proposal) entry(defaults map[string]string, workflowName string) []member {
	var said []member
	for _, m := range p.members() {
		given, ok := defaults[m.key]
		if !ok {
			given = builtIn[m.key]
		}
		if m.json != given {
			said = append(said, m)
		}
		if m.key == "SourceTable" && workflowName != "" {
			said = append(said, member{"WorkflowName", text(workflowName)})
		}
	}
	return said
}

// commonDefaults are the values that Defaults gives so that the entries are short: of each key the most frequent.
func commonDefaults(proposals []Proposal) []member {
	var defaults []member
	for _, key := range []string{"LoadType", "DeltaColumnName", "Engine", "MaxCapacity"} {
		count := map[string]int{}
		best := builtIn[key]
		for _, p := range proposals {
			for _, m := range p.members() {
				if m.key != key {
					continue
				}
				count[m.json]++
				if count[m.json] > count[best] {
					best = m.json
				}
			}
		}
		if count[best] > count[builtIn[key]]+1 { // else the line in Defaults saves none
			defaults = append(defaults, member{key, best})
		}
	}
	return defaults
}

// text is a value as JSON with spaces between, as a person writes it, and without escapes that only HTML needs.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // texts, numbers, and lists and maps of texts
	}
	return prettyJSON(strings.TrimSuffix(b.String(), "\n"))
}

// prettyJSON puts spaces into compact JSON, outside its texts.
func prettyJSON(compact string) string {
	var b strings.Builder
	inText, escaped := false, false
	for i, r := range compact {
		empty := strings.HasPrefix(compact[i:], "{}") || i > 0 && strings.HasPrefix(compact[i-1:], "{}")
		switch {
		case inText:
			inText = escaped || r != '"'
			escaped = r == '\\' && !escaped
			b.WriteRune(r)
		case r == '"':
			inText = true
			b.WriteRune(r)
		case (r == ',' || r == ':'):
			b.WriteString(string(r) + " ")
		case r == '{' && !empty:
			b.WriteString("{ ")
		case r == '}' && !empty:
			b.WriteString(" }")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// widest is how long the line of an entry may be before it becomes several.
const widest = 160

// style is how an object is written: what its lines and those inside it begin with, and whether it always has several.
type style struct {
	indent, inner string
	wide, narrow  bool // always several lines, always one
}

// lines is an object as text. The first line is not indented.
func lines(members []member, s style) string {
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = text(m.key) + ": " + m.json
	}
	if one := "{ " + strings.Join(parts, ", ") + " }"; s.narrow || !s.wide && len(s.indent)+len(one) <= widest {
		return one
	}
	return "{\n" + s.inner + strings.Join(parts, ",\n"+s.inner) + "\n" + s.indent + "}"
}
