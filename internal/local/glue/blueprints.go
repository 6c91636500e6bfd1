package glue

import "net/url"

const blueprintsPerPage = 25

// Blueprint states.
const (
	blueprintCreating = "CREATING"
	blueprintActive   = "ACTIVE"
	blueprintUpdating = "UPDATING"
	blueprintFailed   = "FAILED"
)

// blueprint is a registered blueprint: what GetBlueprint shows, and the last definition that was good.
type blueprint struct {
	body   blueprintBody
	active *definition
	runs   []*blueprintRun
}

type blueprintBody struct {
	Name                     string
	Description              *string `json:",omitempty"`
	CreatedOn                timestamp
	LastModifiedOn           timestamp
	ParameterSpec            string `json:",omitempty"`
	BlueprintLocation        string
	BlueprintServiceLocation string `json:",omitempty"`
	Status                   string
	ErrorMessage             string                `json:",omitempty"`
	LastActiveDefinition     *lastActiveDefinition `json:",omitempty"`
}

type lastActiveDefinition struct {
	Description              *string `json:",omitempty"`
	LastModifiedOn           timestamp
	ParameterSpec            string `json:",omitempty"`
	BlueprintLocation        string
	BlueprintServiceLocation string
}

type createBlueprintInput struct {
	Name              string            `check:"required len=1:128 match=blueprint"`
	Description       *string           `check:"len=1:512"`
	BlueprintLocation string            `check:"required len=1:8192 match=s3"`
	Tags              map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`
}

func (s *Server) createBlueprint(in *createBlueprintInput) (*nameOutput, error) {
	if b := s.blueprints[in.Name]; b != nil {
		failed := b.body.Status == blueprintFailed && b.active == nil
		if !failed || !s.config.Unknowns.RecreateFailedBlueprint {
			return nil, errorf(codeAlreadyExists, "Blueprint with name: %s already exists", in.Name)
		}
	} else if exhausted(s.config.Quotas.Blueprints, len(s.blueprints)) {
		return nil, errorf(codeResourceNumberLimit, "the limit of %d blueprints is reached", s.config.Quotas.Blueprints)
	}
	if err := checkTagKeys(in.Tags); err != nil {
		return nil, err
	}
	b := &blueprint{body: blueprintBody{
		Name: in.Name, Description: in.Description, CreatedOn: s.now(), LastModifiedOn: s.now(),
		BlueprintLocation: in.BlueprintLocation, Status: blueprintCreating,
	}}
	s.blueprints[in.Name] = b
	s.dropTags("blueprint", in.Name)
	s.setTags("blueprint", in.Name, in.Tags)
	s.register(b, s.config.Latency.BlueprintCreate)
	return &nameOutput{in.Name}, nil
}

type updateBlueprintInput struct {
	Name              string  `check:"required len=1:128 match=blueprint"`
	Description       *string `check:"len=1:512"`
	BlueprintLocation string  `check:"required len=1:8192 match=s3"`
}

func (s *Server) updateBlueprint(in *updateBlueprintInput) (*nameOutput, error) {
	b := s.blueprints[in.Name]
	if b == nil {
		return nil, notFound("Blueprint", in.Name)
	}
	if b.body.Status != blueprintActive && b.body.Status != blueprintFailed {
		return nil, errorf(codeIllegalBlueprint, "Blueprint %s is in state %s and cannot be updated", in.Name, b.body.Status)
	}
	if in.Description != nil || !s.config.Unknowns.UpdateKeepsOmitted {
		b.body.Description = in.Description
	}
	b.body.BlueprintLocation, b.body.LastModifiedOn = in.BlueprintLocation, s.now()
	b.body.Status, b.body.ErrorMessage, b.body.LastActiveDefinition = blueprintUpdating, "", nil
	s.register(b, s.config.Latency.BlueprintUpdate)
	return &nameOutput{in.Name}, nil
}

type blueprintNameInput struct {
	Name string `check:"required len=1:128 match=blueprint"`
}

func (s *Server) deleteBlueprint(in *blueprintNameInput) (*nameOutput, error) {
	if s.blueprints[in.Name] == nil && s.config.Unknowns.DeleteMissingFails {
		return nil, notFound("Blueprint", in.Name)
	}
	delete(s.blueprints, in.Name)
	s.dropTags("blueprint", in.Name)
	return &nameOutput{in.Name}, nil
}

type getBlueprintInput struct {
	Name                 string `check:"required len=1:255 match=name"`
	IncludeBlueprint     bool
	IncludeParameterSpec bool
}

type getBlueprintOutput struct{ Blueprint blueprintBody }

func (s *Server) getBlueprint(in *getBlueprintInput) (*getBlueprintOutput, error) {
	b := s.blueprints[in.Name]
	if b == nil {
		return nil, notFound("Blueprint", in.Name)
	}
	return &getBlueprintOutput{b.shown(in.IncludeBlueprint, in.IncludeParameterSpec)}, nil
}

// shown is the blueprint without the parts that were not asked for.
func (b *blueprint) shown(location, spec bool) blueprintBody {
	body := b.body
	if !location {
		body.BlueprintServiceLocation = ""
	}
	if !spec {
		body.ParameterSpec = ""
	}
	return body
}

type listBlueprintsOutput struct {
	Blueprints []string
	NextToken  string `json:",omitempty"`
}

type listBlueprintsInput struct {
	pageInput `check:"MaxResults:range=1:25"`
	Tags      map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`
}

func (s *Server) listBlueprints(in *listBlueprintsInput) (*listBlueprintsOutput, error) {
	list, next, err := page(s.withTags("blueprint", names(s.blueprints), in.Tags), in.pageInput, blueprintsPerPage)
	return &listBlueprintsOutput{list, next}, err
}

type batchGetBlueprintsInput struct {
	Names                []string `check:"required len=1:25 each.len=1:128 each.match=blueprint"`
	IncludeBlueprint     bool
	IncludeParameterSpec bool
}

type batchGetBlueprintsOutput struct {
	Blueprints        []blueprintBody
	MissingBlueprints []string
}

func (s *Server) batchGetBlueprints(in *batchGetBlueprintsInput) (*batchGetBlueprintsOutput, error) {
	have, missing := found(s.blueprints, in.Names)
	out := &batchGetBlueprintsOutput{Blueprints: []blueprintBody{}, MissingBlueprints: missing}
	for _, b := range have {
		out.Blueprints = append(out.Blueprints, b.shown(in.IncludeBlueprint, in.IncludeParameterSpec))
	}
	return out, nil
}

// splitLocation takes s3://bucket/key apart.
func splitLocation(location string) (bucket, key string) {
	u, err := url.Parse(location)
	if err != nil || len(u.Path) == 0 {
		return "", ""
	}
	return u.Host, u.Path[1:]
}
