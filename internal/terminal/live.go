package terminal

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// repeatAfter is how often a line about an unchanged stage is printed where there is no terminal.
const repeatAfter = 15 * time.Second

// Live shows the progress of work: on a terminal one line that is rewritten,
// elsewhere a new line when the stage changes and every fifteen seconds.
type Live struct {
	out      io.Writer
	terminal bool
	stage    string
	printed  time.Time
	open     bool
}

// NewLive returns a Live that writes to out.
func NewLive(out io.Writer) *Live { return &Live{out: out, terminal: IsTerminal(out)} }

// Show shows the stage and how far it has come.
func (l *Live) Show(stage, detail string) {
	line := "  " + stage
	if detail != "" {
		line += "  " + detail
	}
	switch {
	case l.terminal:
		fmt.Fprintf(l.out, "\r\x1b[2K%s", clip(line, width(l.out)))
		l.open = true
	case stage != l.stage || time.Since(l.printed) >= repeatAfter:
		fmt.Fprintln(l.out, line)
		l.printed = time.Now()
	}
	l.stage = stage
}

// End erases the line from a terminal.
func (l *Live) End() {
	if l.open {
		fmt.Fprint(l.out, "\r\x1b[2K")
		l.open = false
	}
}

// width returns how many columns the terminal has now. A longer line would wrap and could not be erased.
func width(out io.Writer) int {
	const standard = 80
	if file, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return standard
}

// clip cuts a line so that it leaves the last column free.
func clip(line string, columns int) string {
	if runewidth.StringWidth(line) < columns {
		return line
	}
	return runewidth.Truncate(line, columns-1, "…")
}
