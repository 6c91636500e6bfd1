package glue

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/local/glue/generator"
)

const maxParameterSpec = 131072

// words is an error text as Glue writes it.
type words string

func (w words) Error() string { return string(w) }

// definition is what a registration copied: later changes at the blueprint's location do not touch it.
type definition struct {
	description *string
	location    string
	service     string
	blueprint   *generator.Blueprint
	parameters  parameterSpec
	spec        string // parameters as GetBlueprint shows them
	modified    timestamp
	configError string // with Unknowns.ConfigErrorsFailRun: what blueprint runs fail with
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
	d := &definition{location: location}
	if d.blueprint, err = generator.Open(content, strings.TrimSuffix(path.Base(key), ".zip")); err != nil {
		return nil, err
	}
	err = d.configure()
	if err != nil && s.config.Unknowns.ConfigErrorsFailRun {
		d.spec, d.configError, err = "{}", err.Error(), nil
	}
	return d, err
}

// configure reads blueprint.cfg.
func (d *definition) configure() error {
	spec, err := d.blueprint.Configure()
	if err != nil {
		return err
	}
	if len(spec) > 0 {
		err = json.Unmarshal(spec, &d.parameters)
	}
	if err == nil {
		err = d.parameters.check()
	}
	if err != nil {
		return fmt.Errorf("%s is not valid: %w", generator.ConfigFile, err)
	}
	if d.spec = d.parameters.text(); len(d.spec) > maxParameterSpec {
		return fmt.Errorf("%s: parameterSpec is longer than %d characters", generator.ConfigFile, maxParameterSpec)
	}
	return nil
}
