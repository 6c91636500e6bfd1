package terminal_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

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

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0 s", 1234 * time.Millisecond: "1.2 s", 59 * time.Second: "59 s", 185 * time.Second: "3 min 5 s",
		2*time.Hour + 10*time.Minute: "2 h 10 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 d 2 h",
	} {
		if got := terminal.Seconds(d); got != want {
			t.Errorf("Seconds(%s) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-5: "0 s", 59 * time.Second: "59 s", 5 * time.Minute: "5 min", 26 * time.Hour: "1 d"} {
		if got := terminal.Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := terminal.Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}
