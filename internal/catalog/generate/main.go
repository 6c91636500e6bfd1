// Command generate writes what is made from the declaration of the catalog's
// keys: the JSON Schema, blueprint.cfg, the job's arguments in Python and the
// tables of keys in docs/catalog.md.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

const documentation = "docs/catalog.md"

func main() {
	root := flag.String("root", ".", "root of the working copy")
	flag.Parse()
	if err := write(*root); err != nil {
		log.Fatal(err)
	}
}

func write(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(root, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their paths below root. Of docs/catalog.md it
// reads everything except the tables of keys.
func generate(root string) (map[string][]byte, error) {
	page, err := os.ReadFile(filepath.Join(root, documentation))
	if err != nil {
		return nil, err
	}
	for heading, keys := range map[string][]*catalog.Key{"Keys of the catalog": catalog.TopKeys(), "Keys of an entry": catalog.EntryKeys()} {
		if page, err = replaceTable(page, heading, keyTable(keys)); err != nil {
			return nil, err
		}
	}
	return map[string][]byte{
		"internal/catalog/catalog.schema.json":  catalog.Schema(),
		"blueprint/blueprint.cfg":               blueprintConfig(),
		"blueprint/landing/job/catalog_keys.py": jobArguments(),
		documentation:                           page,
	}, nil
}

// replaceTable replaces the first table below a heading.
func replaceTable(page []byte, heading, table string) ([]byte, error) {
	_, section, ok := bytes.Cut(page, []byte("\n## "+heading+"\n"))
	start := bytes.Index(section, []byte("\n|")) + 1
	if !ok || start == 0 {
		return nil, fmt.Errorf("%s has no table below %q", documentation, heading)
	}
	end := start + bytes.Index(section[start:], []byte("|\n\n")) + 2
	before := len(page) - len(section)
	return bytes.Join([][]byte{page[:before+start], page[before+end:]}, []byte(table)), nil
}

func keyTable(keys []*catalog.Key) string {
	var b strings.Builder
	b.WriteString("| Key | Form | Default | Meaning |\n|---|---|---|---|\n")
	for _, k := range keys {
		help := k.Help
		if k.More != "" {
			help += " " + k.More
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Form(), k.DefaultText(), help)
	}
	return b.String()
}

// blueprintConfig is blueprint.cfg, one line per parameter.
func blueprintConfig() []byte {
	var lines []string
	for _, p := range catalog.Parameters() {
		line := fmt.Sprintf(`    %q: {"type": %q`, p.Name, p.Type)
		if p.Default != nil {
			line += `, "defaultValue": ` + jsonText(p.Default)
		}
		if p.Allowed != nil {
			line += `, "allowedValues": ` + strings.ReplaceAll(jsonText(p.Allowed), ",", ", ")
		}
		lines = append(lines, line+`, "description": `+jsonText(p.Help)+"}")
	}
	return fmt.Appendf(nil, "{\n  \"layoutGenerator\": \"layout.generate_layout\",\n  \"parameterSpec\": {\n%s\n  }\n}\n", strings.Join(lines, ",\n"))
}

func jsonText(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // texts, numbers, booleans and lists of texts
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jobArguments is a Python module with the keys that reach the job.
func jobArguments() []byte {
	var keys, choices, numbers, flags, texts strings.Builder
	parameters := map[string]catalog.Parameter{}
	for _, p := range catalog.Parameters() {
		parameters[p.Name] = p
	}
	for _, k := range catalog.EntryKeys() {
		if k.Argument == "" {
			continue
		}
		fmt.Fprintf(&keys, "    %q: %q,\n", k.Argument, k.Name)
		least, most, isNumber := k.Range()
		switch value := parameters[k.Name].Default; {
		case isNumber && value == "":
			fmt.Fprintf(&numbers, "    %q: (0, 0, %d),\n", k.Argument, most) // "" reaches the job as 0
		case isNumber:
			fmt.Fprintf(&numbers, "    %q: (%v, %d, %d),\n", k.Argument, value, least, most)
		case k.Allowed() != nil:
			fmt.Fprintf(&choices, "    %q: (%q, %s),\n", k.Argument, value, pythonTuple(k.Allowed()))
		case value == true, value == false:
			fmt.Fprintf(&flags, "    %q: %s,\n", k.Argument, map[any]string{true: "True", false: "False"}[value])
		case value != nil:
			fmt.Fprintf(&texts, "    %q: %q,\n", k.Argument, parameters[k.Name].Empty)
		}
	}
	return fmt.Appendf(nil, `"""The catalog keys that reach the job as arguments, with their defaults.

Made from internal/catalog/keys.go by make generate; do not edit.
"""

from typing import Dict, Tuple

KEYS: Dict[str, str] = {
%s}
"""The catalog key of each argument. An argument that has no default below is required."""

CHOICES: Dict[str, Tuple[str, Tuple[str, ...]]] = {
%s}
"""The default of an argument, and all its values."""

NUMBERS: Dict[str, Tuple[int, int, int]] = {
%s}
"""The default of an argument, its least and its greatest value."""

FLAGS: Dict[str, bool] = {
%s}
"""The default of an argument that is true or false."""

TEXTS: Dict[str, str] = {
%s}
"""The value of an argument that is left out because it is empty. Lists and objects are JSON."""
`, keys.String(), choices.String(), numbers.String(), flags.String(), texts.String())
}

func pythonTuple(values []string) string {
	text := "("
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q", v)
	}
	if len(values) == 1 {
		text += ","
	}
	return text + ")"
}
