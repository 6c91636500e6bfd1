package jobs

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
)

// maxMessage keeps a message readable in a table; Glue's own are shorter.
const maxMessage = 2000

// noise is what Spark and Java write to standard error around the script's own words: log lines, the lines of a
// stack trace, the causes below it.
var noise = regexp.MustCompile(`^(\s|\d\d/\d\d/\d\d \d\d:\d\d:\d\d (TRACE|DEBUG|INFO|WARN|ERROR)|Caused by:|\.\.\. \d+ more|Setting default log level|To adjust logging level)`)

// lastMessage keeps the last line of a stream that says something.
type lastMessage struct {
	mu      sync.Mutex
	partial []byte
	last    string
}

func (m *lastMessage) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partial = append(m.partial, p...)
	for {
		line, rest, ok := bytes.Cut(m.partial, []byte("\n"))
		if !ok {
			break
		}
		m.take(string(line))
		m.partial = rest
	}
	// A line without end must not fill the memory.
	m.partial = m.partial[:min(len(m.partial), 1<<16)]
	return len(p), nil
}

func (m *lastMessage) take(line string) {
	// A progress bar writes over itself.
	line = strings.TrimRight(line, "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	if strings.TrimSpace(line) != "" && !noise.MatchString(line) {
		m.last = line
	}
}

// message returns the line, or "" when there was none.
func (m *lastMessage) message() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(string(m.partial))
	m.partial = nil
	text := strings.ToValidUTF8(strings.TrimSpace(m.last), "?")
	return text[:min(len(text), maxMessage)]
}

// tee writes to both; the log is the one that counts.
type tee struct {
	log      io.Writer
	messages *lastMessage
}

func (t *tee) Write(p []byte) (int, error) {
	_, _ = t.messages.Write(p)
	return t.log.Write(p)
}
