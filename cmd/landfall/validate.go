package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/terminal"
)

// validateCommand checks catalogs without AWS.
type validateCommand struct {
	Files []string `arg:"" name:"catalog" help:"Catalog files." type:"existingfile"`
	JSON  bool     `name:"json" help:"Print JSON: one object per catalog, in a list."`
}

// validated is what --json prints of a catalog.
type validated struct {
	Catalog  string    `json:"catalog"`
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Tables   int       `json:"tables"`
	Problems []problem `json:"problems"`
	Warnings []problem `json:"warnings"`
	// More is how many problems there are beyond those listed.
	More int `json:"more,omitempty"`
}

type problem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Table   string `json:"table,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func problems(list []catalog.Problem) []problem {
	out := make([]problem, len(list))
	for i, p := range list {
		out[i] = problem{p.Line, p.Column, p.Path, p.Table, p.Message, p.Hint}
	}
	return out
}

// Run checks every file, and fails when one is not valid.
func (c *validateCommand) Run(a *app) error {
	results := make([]validated, 0, len(c.Files))
	valid := true
	for _, file := range c.Files {
		name := catalogName(file)
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := catalog.Parse(name, body, catalog.StackDefaults{})
		v := validated{Catalog: name, File: file, Valid: err == nil, Problems: []problem{}, Warnings: []problem{}}
		if err == nil {
			v.Tables, v.Warnings = len(parsed.Tables), problems(parsed.Warnings)
		} else if invalid, ok := errors.AsType[*catalog.InvalidError](err); ok {
			v.Problems, v.More = problems(invalid.Problems), invalid.More
		}
		valid = valid && v.Valid
		results = append(results, v)
		if !c.JSON {
			showValidated(a.print(), v, parsed, err)
		}
	}
	if c.JSON {
		if err := a.printJSON(results); err != nil {
			return err
		}
	}
	if !valid {
		return errShown
	}
	return nil
}

func showValidated(p *terminal.Printer, v validated, parsed *catalog.Catalog, err error) {
	if err != nil {
		p.Line("%s", terminal.Clean(err.Error(), 0))
		return
	}
	p.Line("catalog %q is valid: %s", v.Catalog, humanize.Count(v.Tables, "table"))
	for _, w := range parsed.Warnings {
		p.Line("  %s %s", p.Paint(terminal.Yellow, "warning:"), terminal.Clean(w.String(), 2))
	}
}

// catalogName is the name of a catalog by its file's.
func catalogName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".json") }

// readCatalog reads a file and refuses it if the deployed stack would. Nothing
// has been done yet then. Its name is the file's unless another is given.
func readCatalog(file, given string) (name string, body []byte, err error) {
	name = cmp.Or(given, catalogName(file))
	if given == "" && !strings.HasSuffix(file, ".json") {
		return "", nil, fmt.Errorf("%s: a catalog's file is called <name>.json; or give the name with --catalog", file)
	}
	if name == "" || strings.Contains(name, "/") {
		return "", nil, fmt.Errorf("%q is not a name for a catalog: it is the name of an object under catalogs/, without / and .json", name)
	}
	if body, err = os.ReadFile(file); err != nil {
		return "", nil, err
	}
	_, err = catalog.Parse(name, body, catalog.StackDefaults{})
	return name, body, err
}

// printJSON prints a value for machines.
func (a *app) printJSON(v any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
