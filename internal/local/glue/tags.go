package glue

import (
	"maps"
	"strings"
)

const maxTags = 50

type tagResourceInput struct {
	ResourceArn string            `check:"required len=1:10240 match=arn"`
	TagsToAdd   map[string]string `check:"required len=0:50 key.len=1:128 each.len=0:256"`
}

func (s *Server) arn(kind, name string) string {
	return "arn:aws:glue:" + s.config.Region + ":" + s.config.AccountID + ":" + kind + "/" + name
}

// tagged finds the tags of an existing resource.
func (s *Server) tagged(arn string) (map[string]string, error) {
	prefix := s.arn("", "")
	kind, name, _ := strings.Cut(strings.TrimPrefix(arn, prefix[:len(prefix)-1]), "/")
	exists := false
	switch kind {
	case "blueprint":
		_, exists = s.blueprints[name]
	case "workflow":
		_, exists = s.workflows[name]
	case "trigger":
		_, exists = s.triggers[name]
	case "job":
		_, exists = s.jobs[name]
	case "crawler":
		_, exists = s.crawlers[name]
	}
	if !exists {
		return nil, errorf(codeEntityNotFound, "resource %s not found", arn)
	}
	if s.tags[arn] == nil {
		s.tags[arn] = map[string]string{}
	}
	return s.tags[arn], nil
}

// setTags gives a new resource its tags.
func (s *Server) setTags(kind, name string, tags map[string]string) {
	if len(tags) > 0 {
		s.tags[s.arn(kind, name)] = maps.Clone(tags)
	}
}

func (s *Server) dropTags(kind, name string) { delete(s.tags, s.arn(kind, name)) }

// hasTags reports whether a resource carries all the wanted tags.
func (s *Server) hasTags(kind, name string, wanted map[string]string) bool {
	have := s.tags[s.arn(kind, name)]
	for k, v := range wanted {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// withTags keeps the names whose resources carry all the wanted tags.
func (s *Server) withTags(kind string, names []string, wanted map[string]string) []string {
	if len(wanted) == 0 {
		return names
	}
	kept := []string{}
	for _, name := range names {
		if s.hasTags(kind, name, wanted) {
			kept = append(kept, name)
		}
	}
	return kept
}

// checkTagKeys refuses the reserved prefix.
func checkTagKeys(tags map[string]string) error {
	for key := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws") {
			return invalid("tag key %q must not begin with aws", key)
		}
	}
	return nil
}

func (s *Server) tagResource(in *tagResourceInput) (struct{}, error) {
	tags, err := s.tagged(in.ResourceArn)
	if err != nil {
		return struct{}{}, err
	}
	if err := checkTagKeys(in.TagsToAdd); err != nil {
		return struct{}{}, err
	}
	all := maps.Clone(tags)
	maps.Copy(all, in.TagsToAdd)
	if len(all) > maxTags {
		return struct{}{}, invalid("a resource cannot have more than %d tags", maxTags)
	}
	maps.Copy(tags, in.TagsToAdd)
	return struct{}{}, nil
}

type untagResourceInput struct {
	ResourceArn  string   `check:"required match=arn"`
	TagsToRemove []string `check:"required len=0:50 each.len=1:128"`
}

func (s *Server) untagResource(in *untagResourceInput) (struct{}, error) {
	tags, err := s.tagged(in.ResourceArn)
	for _, key := range in.TagsToRemove {
		delete(tags, key)
	}
	return struct{}{}, err
}

type getTagsInput struct {
	ResourceArn string `check:"required match=arn"`
}

type getTagsOutput struct{ Tags map[string]string }

func (s *Server) getTags(in *getTagsInput) (getTagsOutput, error) {
	tags, err := s.tagged(in.ResourceArn)
	return getTagsOutput{Tags: maps.Clone(tags)}, err
}
