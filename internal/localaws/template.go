package localaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// bucketNotifications is the CDK's custom resource for a bucket's notifications. Its handler is a Python function,
// which moto would run in a container.
const bucketNotifications = "Custom::S3BucketNotifications"

// sentKey holds, in a bridged resource's Metadata, the resource as it was sent.
const sentKey = "landfall:sent"

// bridgeTemplate rewrites what moto's CloudFormation does not understand:
//   - a state machine's DefinitionS3Location, Definition and DefinitionSubstitutions become a DefinitionString;
//   - Custom::S3BucketNotifications becomes a resource without effect: uploads reads it from the template.
//
// It returns the template unchanged when there is nothing to do, and an error for one that is not JSON.
func bridgeTemplate(text []byte, read func(bucket, key string) ([]byte, error)) (bridged []byte, changed bool, err error) {
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, false, fmt.Errorf("parse template: %w", err)
	}
	resources, _ := template["Resources"].(map[string]any)
	for id, value := range resources {
		resource, ok := value.(map[string]any)
		if !ok {
			continue
		}
		replacement, err := bridgeResource(resource, read)
		if err != nil {
			return nil, false, fmt.Errorf("resource %s: %w", id, err)
		}
		if replacement != nil {
			replacement["Metadata"] = map[string]any{sentKey: resource}
			resources[id], changed = replacement, true
		}
	}
	if !changed {
		return text, false, nil
	}
	bridged, err = json.Marshal(template)
	return bridged, true, err
}

// bridgeResource returns the resource to use instead, or nil for none.
func bridgeResource(resource map[string]any, read func(bucket, key string) ([]byte, error)) (map[string]any, error) {
	switch resource["Type"] {
	case bucketNotifications:
		return map[string]any{"Type": "AWS::CloudFormation::WaitConditionHandle", "Properties": map[string]any{}}, nil
	case "AWS::StepFunctions::StateMachine":
		properties, _ := resource["Properties"].(map[string]any)
		return bridgeStateMachine(resource, properties, read)
	}
	return nil, nil
}

func bridgeStateMachine(resource, properties map[string]any, read func(bucket, key string) ([]byte, error)) (map[string]any, error) {
	substitutions, _ := properties["DefinitionSubstitutions"].(map[string]any)
	location, inS3 := properties["DefinitionS3Location"].(map[string]any)
	object, inline := properties["Definition"]
	if len(substitutions) == 0 && !inS3 && !inline {
		return nil, nil
	}
	definition := properties["DefinitionString"]
	switch {
	case inS3:
		bucket, key := text(location["Bucket"]), text(location["Key"])
		content, err := read(bucket, key)
		if err != nil {
			return nil, fmt.Errorf("definition: %w", err)
		}
		definition = string(content)
	case inline:
		definition = map[string]any{"Fn::ToJsonString": substitute(object, substitutions)}
	}
	if !inline {
		definition = substitute(definition, substitutions)
	}
	replaced := maps.Clone(properties)
	for _, name := range []string{"DefinitionSubstitutions", "DefinitionS3Location", "Definition"} {
		delete(replaced, name)
	}
	replaced["DefinitionString"] = definition
	bridged := maps.Clone(resource)
	bridged["Properties"] = replaced
	return bridged, nil
}

// text resolves the forms a bucket name takes in a CDK template: a literal, or Fn::Sub over account and region.
func text(node any) string {
	switch node := node.(type) {
	case string:
		return node
	case map[string]any:
		s, _ := node["Fn::Sub"].(string)
		return strings.NewReplacer("${AWS::AccountId}", AccountID, "${AWS::Region}", DefaultRegion, "${AWS::Partition}", "aws").Replace(s)
	}
	return ""
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_]+)\}`)

// substitute replaces ${Name} in every literal text by the substitution, which may be an intrinsic function.
func substitute(node any, substitutions map[string]any) any {
	switch node := node.(type) {
	case string:
		return join(node, substitutions)
	case []any:
		replaced := slices.Clone(node)
		for i := range replaced {
			replaced[i] = substitute(replaced[i], substitutions)
		}
		return replaced
	case map[string]any:
		replaced := maps.Clone(node)
		for key := range replaced {
			if key != "Ref" && key != "Fn::GetAtt" && key != "Fn::Sub" && key != "Fn::ImportValue" {
				replaced[key] = substitute(replaced[key], substitutions)
			}
		}
		return replaced
	default:
		return node
	}
}

func join(s string, substitutions map[string]any) any {
	var parts []any
	rest := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		if replacement, ok := substitutions[s[at[2]:at[3]]]; ok {
			parts = append(parts, s[rest:at[0]], replacement)
			rest = at[1]
		}
	}
	if parts == nil {
		return s
	}
	return map[string]any{"Fn::Join": []any{"", append(parts, s[rest:])}}
}

// restoreTemplate undoes bridgeTemplate.
func restoreTemplate(text []byte) []byte {
	var template map[string]any
	if json.Unmarshal(text, &template) != nil {
		return text
	}
	resources, _ := template["Resources"].(map[string]any)
	restored := false
	for id, value := range resources {
		resource, _ := value.(map[string]any)
		metadata, _ := resource["Metadata"].(map[string]any)
		if sent, ok := metadata[sentKey]; ok {
			resources[id], restored = sent, true
		}
	}
	if !restored {
		return text
	}
	if original, err := json.Marshal(template); err == nil {
		return original
	}
	return text
}
