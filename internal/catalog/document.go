package catalog

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// value is one JSON value and where it begins in the file.
type value struct {
	raw jsontext.Value
	at  int
}

// member is one name and value of a JSON object.
type member struct {
	name   string
	nameAt int
	value  value
}

// kind is the first character of the value, with 0 for all numbers; see jsontext.Kind.
func (v value) kind() jsontext.Kind { return v.raw.Kind() }

// text is the content of a JSON string.
func (v value) text() string {
	text, err := jsontext.AppendUnquote(nil, []byte(v.raw))
	if err != nil {
		// The whole file has been checked before any value of it is looked at.
		panic("unquote a checked JSON string: " + err.Error())
	}
	return string(text)
}

// members are those of a JSON object in their order, duplicates included. The
// value must be part of a checked file.
func members(v value) iter.Seq[member] {
	return func(yield func(member) bool) {
		d := decode(v)
		defer decoders.Put(d)
		for d.PeekKind() == '"' {
			name := next(d, v)
			if !yield(member{name.text(), name.at, next(d, v)}) {
				return
			}
		}
	}
}

// elements are those of a JSON array. The value must be part of a checked file.
func elements(v value) iter.Seq[value] {
	return func(yield func(value) bool) {
		d := decode(v)
		defer decoders.Put(d)
		for d.PeekKind() != ']' {
			if !yield(next(d, v)) {
				return
			}
		}
	}
}

// decoders are kept for the next object: a catalog may have millions, and a decoder is not small.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// decode begins to read an object or an array. The decoder goes back to decoders.
func decode(v value) *jsontext.Decoder {
	d := decoders.Get().(*jsontext.Decoder)
	d.Reset(bytes.NewBuffer(v.raw), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		panic("read checked JSON: " + err.Error())
	}
	return d
}

// next is the next value inside v, which d reads.
func next(d *jsontext.Decoder, v value) value {
	raw, err := d.ReadValue()
	if err != nil {
		panic("read checked JSON: " + err.Error())
	}
	end := int(d.InputOffset())
	// The decoder's own slice is only good until its next read.
	return value{v.raw[end-len(raw) : end], v.at + end - len(raw)}
}

// check finds whether the bytes are one JSON value, and where not.
func check(data []byte) (value, int, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	raw, err := d.ReadValue()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return value{}, len(data), err
		}
		return value{}, errorOffset(d, err), err
	}
	end := int(d.InputOffset())
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		rest := bytes.TrimLeft(data[end:], " \t\r\n")
		return value{}, len(data) - len(rest), errors.New("more follows after the end of the catalog")
	}
	return value{data[end-len(raw) : end], end - len(raw)}, 0, nil
}

func errorOffset(d *jsontext.Decoder, err error) int {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return int(syntactic.ByteOffset)
	}
	return int(d.InputOffset())
}

// kindNames are for messages.
var kindNames = map[jsontext.Kind]string{
	'n': "null", 'f': "false", 't': "true", '"': "a string", '0': "a number", '{': "an object", '[': "a list",
}
