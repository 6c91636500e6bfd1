package generator

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

const (
	maxZIPBytes      = 1 << 20
	maxUnpackedBytes = 5 << 20
)

// ConfigFile is the name of a blueprint's configuration in its ZIP.
const ConfigFile = "blueprint.cfg"

// Blueprint is a blueprint's ZIP.
type Blueprint struct {
	zip       []byte
	files     map[string][]byte
	folder    string // name under /tmp: the ZIP's own, without .zip
	root      bool   // blueprint.cfg lies at the ZIP's root, not in the folder
	generator string // <module>.<function>
}

// Open reads a ZIP whose file name, without .zip, is the folder's. It refuses one that is larger than Glue accepts.
func Open(content []byte, folder string) (*Blueprint, error) {
	files, err := unzip(content)
	return &Blueprint{zip: content, files: files, folder: folder}, err
}

// Configure finds and reads blueprint.cfg, at the ZIP's root or in a folder named like the ZIP, and returns its
// parameterSpec. Errors are in the words of a blueprint's ErrorMessage.
func (b *Blueprint) Configure() (json.RawMessage, error) {
	text, ok := b.files[ConfigFile]
	b.root = ok
	if !ok {
		if text, ok = b.files[b.folder+"/"+ConfigFile]; !ok {
			return nil, fmt.Errorf("%sFileNotFoundError: [Errno 2] No such file or directory: '/tmp/%s/%s'", errorPrefix, b.folder, ConfigFile)
		}
	}
	var config struct {
		LayoutGenerator string
		ParameterSpec   json.RawMessage
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", ConfigFile, err)
	}
	if config.LayoutGenerator == "" {
		return nil, fmt.Errorf("%s has no layoutGenerator", ConfigFile)
	}
	b.generator = config.LayoutGenerator
	return config.ParameterSpec, nil
}

// unzip reads a blueprint's ZIP within the limits of size, and refuses members that would leave its folder.
func unzip(content []byte) (map[string][]byte, error) {
	if len(content) > maxZIPBytes {
		return nil, fmt.Errorf("the blueprint's ZIP has %d bytes, at most %d are allowed", len(content), maxZIPBytes)
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("the blueprint is not a ZIP: %w", err)
	}
	files, total := map[string][]byte{}, int64(0)
	for _, f := range archive.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if strings.HasSuffix(name, "/") {
			continue
		}
		if !f.Mode().IsRegular() || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("the blueprint's ZIP has a member that is not a file inside it: %q", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("open %q in the blueprint's ZIP: %w", name, err)
		}
		data, err := io.ReadAll(io.LimitReader(r, maxUnpackedBytes-total+1))
		_ = r.Close()
		if err != nil {
			return nil, fmt.Errorf("read %q in the blueprint's ZIP: %w", name, err)
		}
		if total += int64(len(data)); total > maxUnpackedBytes {
			return nil, fmt.Errorf("the blueprint's ZIP unpacks to more than %d bytes", maxUnpackedBytes)
		}
		files[name] = data
	}
	return files, nil
}
