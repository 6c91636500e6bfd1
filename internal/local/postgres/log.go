package postgres

import (
	"io"
	"os"
)

// logTail returns the end of the server's log for an error message, or nothing.
func (s *Server) logTail() string {
	const size = 2000
	f, err := os.Open(s.log.Name())
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > size {
		_, _ = f.Seek(-size, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	if len(text) == 0 {
		return ""
	}
	return ":\n" + string(text)
}
