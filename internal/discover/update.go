package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/landfall/landfall/internal/catalog"
)

// Update is the catalog in data with an entry more for each proposal. All that is in it stays as it is, to the byte.
// The name is the catalog's, the secret is that of the new entries. Defaults of the catalog hold for them too, where
// they say what the proposal says.
func Update(data []byte, name, secret string, proposals []Proposal) ([]byte, error) {
	if len(proposals) == 0 {
		return data, nil
	}
	old, err := catalog.Parse(name, data, catalog.StackDefaults{})
	if err != nil {
		return nil, err
	}
	defaults, err := defaultsOf(data)
	if err != nil {
		return nil, err
	}
	var taken []string
	for _, t := range old.Tables {
		taken = append(taken, t.WorkflowName)
	}
	names := workflowNames(name, proposals, taken)
	at, s, separator := end(data)
	var b bytes.Buffer
	b.Write(data[:at])
	for _, p := range proposals {
		entry := p.entry(defaults, names[p.Table])
		if defaults["SecretName"] != text(secret) {
			entry = slices.Insert(entry, 1, member{"SecretName", text(secret)})
		}
		b.WriteString(separator + lines(entry, s))
	}
	b.Write(data[at:])
	updated := b.Bytes()
	if bytes.Contains(data, []byte("\r\n")) {
		updated = bytes.ReplaceAll(bytes.ReplaceAll(updated, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	if _, err := catalog.Parse(name, updated, catalog.StackDefaults{}); err != nil {
		return nil, fmt.Errorf("what Defaults says does not fit the new tables: %w", err)
	}
	return updated, nil
}

// defaultsOf are the values of Defaults in the form in which proposals give them.
func defaultsOf(data []byte) (map[string]string, error) {
	var c struct{ Defaults map[string]any }
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &c); err != nil {
		return nil, fmt.Errorf("read Defaults: %w", err)
	}
	defaults := map[string]string{}
	for key, value := range c.Defaults {
		if k := catalog.KeyNamed(key); k != nil {
			key = k.Name
			_, isInt := k.Default.(int)
			_, isFloat := k.Default.(float64)
			if digits, ok := value.(string); ok && (isInt || isFloat) { // as the AWS sample writes numbers
				defaults[key] = digits
				continue
			}
		}
		if list, ok := value.([]any); ok && key == "DeltaColumnName" && len(list) == 1 {
			value = list[0]
		}
		defaults[key] = text(value)
	}
	return defaults, nil
}

// end is where the last entry of a good catalog ends, and how the next one is to be written.
func end(data []byte) (at int, s style, separator string) {
	bom := len(data) - len(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	d := jsontext.NewDecoder(bytes.NewReader(data[bom:]))
	var last jsontext.Value
	for {
		token, err := d.ReadToken()
		if err != nil {
			break
		}
		if d.StackDepth() != 1 || token.Kind() != '"' || token.String() != "WorkflowList" {
			if d.StackDepth() == 1 && token.Kind() == '"' {
				_ = d.SkipValue()
			}
			continue
		}
		_, _ = d.ReadToken()
		for d.PeekKind() == '{' {
			value, _ := d.ReadValue()
			last, at = value.Clone(), bom+int(d.InputOffset())
		}
		break
	}
	start := at - len(last)
	s.indent = string(data[bytes.LastIndexByte(data[:start], '\n')+1 : start])
	if strings.Trim(s.indent, " \t") != "" {
		return at, style{narrow: true}, ", "
	}
	s.inner = s.indent + "  "
	if lines := strings.SplitN(string(last), "\n", 3); len(lines) > 2 {
		s.wide = true
		s.inner = lines[1][:len(lines[1])-len(strings.TrimLeft(lines[1], " \t"))]
	}
	return at, s, ",\n" + s.indent
}
