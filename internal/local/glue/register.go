package glue

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxZIPBytes       = 1 << 20
	maxUnpackedBytes  = 5 << 20
	configFile        = "blueprint.cfg"
	maxParameterSpec  = 131072
	layoutErrorPrefix = "Unknown error executing layout generator function "
)

// words is an error text as Glue writes it.
type words string

func (w words) Error() string { return string(w) }

// definition is what a registration copied: later changes at the blueprint's location do not touch it.
type definition struct {
	description *string
	location    string
	service     string
	folder      string // name under /tmp: the ZIP's own, without .zip
	root        bool   // blueprint.cfg lies at the ZIP's root, not in the folder
	generator   string
	parameters  parameterSpec
	spec        string
	zip         []byte
	modified    timestamp
	configError string // with Behaviour.ConfigErrorsFailRun: what blueprint runs fail with
}

// register copies and checks the ZIP at a blueprint's location, and makes the blueprint ACTIVE or FAILED after d. The
// state is locked.
func (s *Server) register(b *blueprint, d time.Duration) {
	location, description, modified := b.body.BlueprintLocation, b.body.Description, b.body.LastModifiedOn
	copyTo := "s3://aws-glue-blueprints-" + s.config.AccountID + "-" + s.config.Region + "/" + b.body.Name + "/" + s.hex(16) + ".zip"
	s.start(func() {
		def, err := s.readDefinition(location)
		if !s.sleep(s.ctx, d) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.config.Log.Warn("blueprint failed", "blueprint", b.body.Name, "error", err)
			b.body.Status, b.body.ErrorMessage = blueprintFailed, err.Error()
			b.body.LastActiveDefinition = b.active.shown()
			return
		}
		def.description, def.modified, def.service = description, modified, copyTo
		b.active = def
		b.body.Status, b.body.ParameterSpec, b.body.BlueprintServiceLocation = blueprintActive, def.spec, copyTo
	})
}

func (d *definition) shown() *lastActiveDefinition {
	if d == nil {
		return nil
	}
	return &lastActiveDefinition{
		Description: d.description, LastModifiedOn: d.modified, ParameterSpec: d.spec,
		BlueprintLocation: d.location, BlueprintServiceLocation: d.service,
	}
}

// readDefinition fetches a blueprint's ZIP and reads its configuration. Errors are in the words of ErrorMessage.
func (s *Server) readDefinition(location string) (*definition, error) {
	bucket, key := splitLocation(location)
	if s.config.Objects == nil {
		return nil, words("Unable to access object at location " + location)
	}
	content, err := s.config.Objects(s.ctx, bucket, key)
	if err != nil {
		s.config.Log.Warn("blueprint location", "location", location, "error", err)
		if e, ok := errors.AsType[interface {
			error
			ErrorCode() string
		}](err); ok && e.ErrorCode() == codeAccessDenied {
			return nil, words("Access denied on object at location " + location)
		}
		return nil, words("Unable to access object at location " + location)
	}
	d := &definition{location: location, zip: content, folder: strings.TrimSuffix(path.Base(key), ".zip")}
	files, err := unzip(content)
	if err != nil {
		return nil, err
	}
	err = d.configure(files)
	if err != nil && s.config.Behaviour.ConfigErrorsFailRun {
		d.spec, d.configError, err = "{}", err.Error(), nil
	}
	return d, err
}

// configure finds and reads blueprint.cfg: at the ZIP's root, or in a folder named like the ZIP.
func (d *definition) configure(files map[string][]byte) error {
	text, ok := files[configFile]
	d.root = ok
	if !ok {
		if text, ok = files[d.folder+"/"+configFile]; !ok {
			return fmt.Errorf("%sFileNotFoundError: [Errno 2] No such file or directory: '/tmp/%s/%s'",
				layoutErrorPrefix, d.folder, configFile)
		}
	}
	var config struct {
		LayoutGenerator string
		ParameterSpec   parameterSpec
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("%s is not valid: %w", configFile, err)
	}
	if config.LayoutGenerator == "" {
		return fmt.Errorf("%s has no layoutGenerator", configFile)
	}
	if err := config.ParameterSpec.check(); err != nil {
		return fmt.Errorf("%s is not valid: %w", configFile, err)
	}
	d.generator, d.parameters = config.LayoutGenerator, config.ParameterSpec
	d.spec = d.parameters.text()
	if len(d.spec) > maxParameterSpec {
		return fmt.Errorf("%s: parameterSpec is longer than %d characters", configFile, maxParameterSpec)
	}
	return nil
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
