package terminal_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/terminal"
)

func TestTableLinesUp(t *testing.T) {
	var out bytes.Buffer
	p := &terminal.Printer{Out: &out}
	p.TableWith(2, [][]terminal.Cell{
		{{Text: "NAME"}, {Text: "ROWS", Right: true}, {Text: "WHY"}},
		{{Text: "hr.départements"}, {Text: "7", Right: true}, {Text: "new"}},
		{{Text: "a", Style: terminal.Red}, {Text: "10,000", Right: true}, {Text: ""}},
	}, []func(){nil, func() { p.Line("      under it") }})
	want := `  NAME               ROWS  WHY
  hr.départements       7  new
      under it
  a                10,000
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestColourOnlyWhereItIsWanted(t *testing.T) {
	cases := map[string]struct {
		reason, no, force string
		want              bool
	}{
		"plain":    {"the output is no terminal", "", "", false},
		"forced":   {"CLICOLOR_FORCE", "", "1", true},
		"forced 0": {"CLICOLOR_FORCE=0 is off", "", "0", false},
		"NO_COLOR": {"NO_COLOR has the last word", "1", "1", false},
	}
	for name, c := range cases {
		t.Setenv("NO_COLOR", c.no)
		t.Setenv("CLICOLOR_FORCE", c.force)
		got := terminal.New(&bytes.Buffer{}).Paint(terminal.Red, "x")
		if (got != "x") != c.want {
			t.Errorf("%s (%s): %q", name, c.reason, got)
		}
	}
	if terminal.IsTerminal(os.NewFile(^uintptr(0), "none")) {
		t.Error("a closed file is taken for a terminal")
	}
}

// What a database or a name holds must not reach the terminal as a command to it.
func TestCleanTakesEscapeCodesAway(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"plain":     {"hr.employees", "hr.employees"},
		"escape":    {"\x1b[31mred\x1b[0m", `\u001b[31mred\u001b[0m`},
		"title":     {"\x1b]0;title\a", `\u001b]0;title\u0007`},
		"lines":     {"a\nb\n", "a\n    b"},
		"carriage":  {"good\rbad", `good\u000dbad`},
		"C1":        {"\u009b31m", `\u009b31m`},
		"backwards": {"a\u202eb", `a\u202eb`},
		"astral":    {"😀 é", "😀 é"},
	}
	for name, c := range cases {
		if got := terminal.Clean(c.text, 4); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLiveIsQuietWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	live := terminal.NewLive(&out)
	for range 50 {
		live.Show("LoadCatalog", "1 s")
	}
	live.Show("ApplyChanges", "2 of 3")
	live.End()
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.Contains(got, "\x1b") {
		t.Errorf("printed %q", got)
	}
}

// A character of Chinese, Japanese or Korean is two columns wide, a combining one none.
func TestTableLinesUpWithWideCharacters(t *testing.T) {
	var out bytes.Buffer
	p := &terminal.Printer{Out: &out}
	p.Table(0, [][]terminal.Cell{
		{{Text: "従業員"}, {Text: "x"}},
		{{Text: "e\u0301te\u0301"}, {Text: "x"}},
		{{Text: "abcdef"}, {Text: "x"}},
	})
	if diff := cmp.Diff("従業員  x\ne\u0301te\u0301     x\nabcdef  x\n", out.String()); diff != "" {
		t.Error(diff)
	}
}
