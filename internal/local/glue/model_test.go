package glue_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/landfall/landfall/internal/local/glue"
)

// model is Glue's API as botocore ships it.
type model struct {
	Operations map[string]struct {
		Input, Output struct{ Shape string }
		Errors        []struct{ Shape string }
	}
	Shapes map[string]*shape
}

type shape struct {
	Type       string
	Required   []string
	Members    map[string]struct{ Shape string }
	Member     struct{ Shape string }
	Key, Value struct{ Shape string }
	Min, Max   *float64
	Enum       []string
}

var loadModel = sync.OnceValues(func() (*model, error) {
	root := ".."
	for range 8 {
		matches, _ := filepath.Glob(filepath.Join(root, "build/venv/lib/python3*/site-packages/botocore/data/glue/2017-03-31/service-2.json.gz"))
		if len(matches) == 0 {
			root = filepath.Join(root, "..")
			continue
		}
		f, err := os.Open(matches[0])
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		m := &model{}
		return m, json.NewDecoder(z).Decode(m)
	}
	return nil, fmt.Errorf("botocore's model of Glue is missing: run make setup")
})

// checked is a transport that checks every answer against the model: no member the output shape does not have, no
// error the operation does not declare.
type checked struct {
	t       *testing.T
	model   *model
	allowed []string // further error codes
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return resp, err
	}
	if resp.Header.Get("x-amzn-RequestId") == "" {
		c.t.Error("an answer without x-amzn-RequestId")
	}
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.")
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		c.t.Errorf("%s: %v", operation, err)
	}
	op := c.model.Operations[operation]
	if resp.StatusCode == http.StatusOK {
		c.shape(operation, op.Output.Shape, value)
		return resp, nil
	}
	code := value.(map[string]any)["__type"].(string)
	declared := slices.ContainsFunc(op.Errors, func(e struct{ Shape string }) bool { return e.Shape == code })
	if !declared && !slices.Contains(c.allowed, code) && code != "ValidationException" {
		c.t.Errorf("%s answered %s, which it does not declare", operation, code)
	}
	return resp, nil
}

func (c *checked) shape(path, name string, value any) {
	s := c.model.Shapes[name]
	ok := true
	switch v := value.(type) {
	case map[string]any:
		ok = s.Type == "structure" || s.Type == "map"
		for member, inner := range v {
			ref, known := s.Members[member]
			switch {
			case s.Type == "map":
				c.shape(path+"."+member, s.Value.Shape, inner)
			case !known:
				c.t.Errorf("%s.%s is not in the model", path, member)
			default:
				c.shape(path+"."+member, ref.Shape, inner)
			}
		}
	case []any:
		ok = s.Type == "list"
		for _, inner := range v {
			c.shape(path+"[]", s.Member.Shape, inner)
		}
	case string:
		ok = s.Type == "string" && (len(s.Enum) == 0 || slices.Contains(s.Enum, v))
	case float64:
		ok = slices.Contains([]string{"integer", "long", "double", "timestamp"}, s.Type)
	case bool:
		ok = s.Type == "boolean"
	}
	if !ok || value == nil {
		c.t.Errorf("%s is %v, want a %s", path, value, s.Type)
	}
}

// TestEveryConstraintOfTheModelIsChecked: "Client validators check required members only (no length/pattern/enum) →
// an emulator must validate those itself."
func TestEveryConstraintOfTheModelIsChecked(t *testing.T) {
	m, err := loadModel()
	if err != nil {
		t.Fatal(err)
	}
	server := glue.New(glue.Config{})
	defer server.Close()
	n := 0
	for name, op := range m.Operations {
		if !server.Handles(name) {
			continue
		}
		for _, v := range m.violations(op.Input.Shape, 0) {
			n++
			_, code, message := raw(server, name, v.input)
			if code != "ValidationException" || !strings.Contains(message, "at '"+v.path) {
				t.Errorf("%s with %s: %s %s", name, v.what, code, message)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d constraints were tried", n)
	}
}

// violation is an input that breaks one constraint, of the member whose path begins with path.
type violation struct {
	path, what string
	input      any
}

// violations lists inputs that each break a constraint of a structure.
func (m *model) violations(name string, depth int) []violation {
	s := m.Shapes[name]
	var list []violation
	for member, ref := range s.Members {
		path := strings.ToLower(member[:1]) + member[1:]
		if slices.Contains([]string{"CodeGenConfigurationNodes", "SourceControlDetails", "Targets", "RecrawlPolicy", "LineageConfiguration", "LakeFormationConfiguration"}, member) {
			continue // kept, not read
		}
		if slices.Contains(s.Required, member) {
			list = append(list, violation{path, member + " left out", map[string]any{}})
		}
		for _, bad := range m.bad(ref.Shape, depth) {
			list = append(list, violation{path + bad.path, member + " " + bad.what, map[string]any{member: bad.input}})
		}
	}
	return list
}

// bad lists values that break a constraint of a shape.
func (m *model) bad(name string, depth int) []violation {
	s := m.Shapes[name]
	var list []violation
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			list = append(list, violation{"", "outside its enum", "NOPE"})
		}
		if s.Max != nil && len(s.Enum) == 0 {
			list = append(list, violation{"", "too long", strings.Repeat("a", int(*s.Max)+1)})
		}
	case "integer":
		if s.Max != nil {
			list = append(list, violation{"", "too large", *s.Max + 1})
		}
		if s.Min != nil && *s.Min > 0 {
			list = append(list, violation{"", "too small", *s.Min - 1})
		}
	case "list":
		if s.Max != nil && m.Shapes[s.Member.Shape].Type == "string" {
			list = append(list, violation{"", "too many", slices.Repeat([]string{"a"}, int(*s.Max)+1)})
		}
		for _, bad := range m.bad(s.Member.Shape, depth+1) {
			list = append(list, violation{".1.member" + bad.path, bad.what, []any{bad.input}})
		}
	case "map":
		for _, bad := range m.bad(s.Value.Shape, depth+1) {
			list = append(list, violation{".k" + bad.path, bad.what, map[string]any{"k": bad.input}})
		}
	case "structure":
		if depth < 4 {
			for _, v := range m.violations(name, depth+1) {
				list = append(list, violation{"." + v.path, v.what, v.input})
			}
		}
	}
	return list
}
