package catalog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Key is the one declaration of a key: of an entry (see EntryKeys) or of the
// catalog itself (see TopKeys). The parser, the defaults, the JSON Schema, the
// parameters of a blueprint run, blueprint.cfg, the job's arguments and the
// table in docs/catalog.md are all made from it.
//
// The value is kept in the field of Table, or of Catalog, that has the key's
// name. Every key of an entry may be given in Defaults.
type Key struct {
	Name string
	// Help says what the key means, for the documentation, the JSON Schema and
	// blueprint.cfg. More follows it in the documentation only. Both are Markdown.
	Help, More string
	// Required keys must be given by the entry or by Defaults.
	Required bool
	// Default is the value of an absent key, in the type of the field. It is nil
	// when there is none, or when it comes from elsewhere: Absent then describes
	// it for the documentation, instead of "none".
	Default any
	Absent  string
	// Argument is the name of the job's argument that carries the value. It is
	// empty for a parameter that the layout uses itself.
	Argument string
	// PlannerOnly keys are no parameters of the blueprint.
	PlannerOnly bool
	Examples    []any

	kind kind
	// bit is the key's bit in a set of keys, index its place in entryKeys and in entry.at.
	bit   uint64
	index int
	// field is the index of the field that keeps the value; nil for a key that the parser handles itself.
	field []int
}

// kind is how the value of a key is written.
type kind struct {
	// form describes the allowed values, for the documentation.
	form string
	// schema is the JSON Schema of the value, without description and default.
	schema object
	// read checks a value. It returns what the field becomes; old is what it is so
	// far. ok is false when the field stays as it is.
	read func(p *parser, old any, v value, path string) (got any, ok bool)
	// allowed are the values of a choice.
	allowed []string
	// least and most bound an integer; emptyIsZero lets "" stand for 0.
	least, most int
	emptyIsZero bool
}

// readInto checks a value and puts it into the key's field of a *Table or a *Catalog.
func (k *Key) readInto(p *parser, target any, v value, path string) {
	field := reflect.ValueOf(target).Elem().FieldByIndex(k.field)
	if got, ok := k.kind.read(p, field.Interface(), v, path); ok {
		field.Set(reflect.ValueOf(got))
	}
}

// setDefaults puts the defaults of the keys into a *Table or a *Catalog.
func setDefaults(target any, keys []*Key) {
	for _, k := range keys {
		if k.Default != nil {
			reflect.ValueOf(target).Elem().FieldByIndex(k.field).Set(reflect.ValueOf(k.Default))
		}
	}
}

// Form describes the allowed values, in Markdown.
func (k *Key) Form() string { return k.kind.form }

// DefaultText describes the default, in Markdown.
func (k *Key) DefaultText() string {
	switch d := k.Default.(type) {
	case nil:
	case Columns:
		return code(d...)
	default:
		if d != "" {
			return code(fmt.Sprint(d))
		}
	}
	switch {
	case k.Required:
		return "required"
	case k.Absent == "" && k.kind.read != nil:
		return "none"
	}
	return k.Absent
}

// Allowed are the values of a key that allows a few strings; nil for other keys.
func (k *Key) Allowed() []string { return slices.Clone(k.kind.allowed) }

// Range is the least and the greatest value of an integer; ok is false for other keys.
func (k *Key) Range() (least, most int, ok bool) {
	return k.kind.least, k.kind.most, k.kind.most > 0
}

// Parameter is one parameter of the blueprint.
type Parameter struct {
	// Name is that of the key, or of what the stack adds.
	Name string
	// Type is Glue's: String, Integer, Double or Boolean.
	Type string
	// Default is nil for a parameter that every blueprint run must give.
	Default any
	// Empty is the value that says nothing: "", 0, false, or an empty list or object.
	Empty   any
	Allowed []string
	// Help is plain text.
	Help string
}

// stackParameters are those that the deployed stack adds to the keys of an entry.
var stackParameters = []Parameter{
	{Name: "Owner", Type: "String", Default: "", Help: "Catalog that owns the workflow"},
	{Name: "ScriptLocation", Type: "String", Help: "S3 location of land_table.py"},
	{Name: "ExtraPyFiles", Type: "String", Help: "S3 location of landing.zip"},
	{Name: "PythonModules", Type: "String", Help: "S3 locations of the wheels for the job's Python, comma-separated"},
}

// Parameters are all parameters of Landfall's blueprint, in the order of blueprint.cfg.
func Parameters() []Parameter {
	var all []Parameter
	for _, k := range entryKeys {
		if !k.PlannerOnly {
			all = append(all, k.parameter())
		}
	}
	return append(all, stackParameters...)
}

// ParameterNames are the names of Parameters.
func ParameterNames() []string {
	var names []string
	for _, p := range Parameters() {
		names = append(names, p.Name)
	}
	return names
}

func (k *Key) parameter() Parameter {
	field := reflect.TypeFor[Table]().FieldByIndex(k.field)
	p := Parameter{Name: k.Name, Type: "String", Empty: k.encode(reflect.Zero(field.Type)), Allowed: k.kind.allowed, Help: unmarked(k.Help)}
	switch {
	case k.kind.emptyIsZero:
	case field.Type.Kind() == reflect.Int:
		p.Type = "Integer"
	case field.Type.Kind() == reflect.Float64:
		p.Type = "Double"
	case field.Type.Kind() == reflect.Bool:
		p.Type = "Boolean"
	case field.Type.Kind() == reflect.Slice && k.Default == nil:
		p.Help += " A JSON list."
	case field.Type.Kind() == reflect.Map:
		p.Help += " A JSON object."
	}
	switch {
	case k.Default != nil:
		p.Default = k.encode(reflect.ValueOf(k.Default))
	case field.Type.Kind() != reflect.String:
		p.Default = p.Empty
	}
	return p
}

// Parameters are the table's values as Glue takes them in a blueprint run:
// strings, float64 and booleans, lists and objects as JSON in a string.
func (t Table) Parameters() map[string]any {
	values := make(map[string]any, len(entryKeys))
	table := reflect.ValueOf(t)
	for _, k := range entryKeys {
		if !k.PlannerOnly {
			values[k.Name] = k.encode(table.FieldByIndex(k.field))
		}
	}
	return values
}

// encode is a value of the key's field as a parameter.
func (k *Key) encode(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Float64:
		return v.Interface()
	case reflect.Int:
		switch {
		case !k.kind.emptyIsZero:
			return float64(v.Int())
		case v.Int() == 0:
			return ""
		}
		return fmt.Sprint(v.Int())
	case reflect.Map:
		if v.IsNil() {
			return "{}"
		}
	case reflect.Slice:
		switch columns, ok := v.Interface().(Columns); {
		case ok && len(columns) == 1 && !strings.HasPrefix(columns[0], "["):
			// Several columns are a JSON list, so a name that looks like one is sent as one, too.
			return columns[0]
		case v.Len() == 0:
			return "[]"
		}
		v = v.Convert(reflect.TypeFor[[]string]())
	}
	data, err := json.Marshal(v.Interface())
	if err != nil {
		// Lists and maps of strings always marshal.
		panic(fmt.Sprintf("marshal %s: %v", k.Name, err))
	}
	return string(data)
}
