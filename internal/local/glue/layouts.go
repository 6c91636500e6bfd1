package glue

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"sync"
)

// Layouts remembers what layout generators returned, for Servers that run the same blueprints over and over. It takes
// them for pure functions of their parameters; only the suffix of names differs from one blueprint run to the next.
// The zero value is ready.
type Layouts struct{ known sync.Map }

// suffixMark stands for the suffix while a generator runs. It has the length and the letters of one.
const suffixMark = "5ff1e5d0"

type remembered struct {
	mu     sync.Mutex
	layout []byte
	err    error
}

func (l *Layouts) generate(s *Server, def *definition, values map[string]json.RawMessage, suffix string) (*layout, error) {
	sum := sha256.New()
	sum.Write(def.zip)
	sum.Write(marshal([]any{def.generator, def.folder, values, s.config.Region, s.config.AccountID}))
	entry, _ := l.known.LoadOrStore(string(sum.Sum(nil)), &remembered{})
	r := entry.(*remembered)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.layout == nil && r.err == nil {
		made, err := s.generateAnew(def, values, suffixMark)
		switch {
		case s.ctx.Err() != nil:
			return nil, s.ctx.Err()
		case err != nil:
			r.err = err
		default:
			r.layout = marshal(made)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	made := &layout{}
	err := json.Unmarshal(bytes.ReplaceAll(r.layout, []byte(suffixMark), []byte(suffix)), made)
	return made, err
}
