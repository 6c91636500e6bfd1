package glue_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/local/glue"
)

func TestBlueprintRunParameters(t *testing.T) {
	config := `{"layoutGenerator": "layout.generate_layout", "parameterSpec": {
		"Name": {"type": "String"}, "N": {"type": "Integer", "defaultValue": 1}, "D": {"type": "Double", "defaultValue": 1.5},
		"B": {"type": "Boolean", "defaultValue": false}, "Uri": {"type": "S3Uri", "defaultValue": "s3://b"},
		"Bucket": {"type": "S3Bucket", "defaultValue": "b"}, "Arn": {"type": "IAMRoleArn", "defaultValue": ""},
		"Role": {"type": "IAMRoleName", "defaultValue": ""}, "List": {"type": "Integer", "collection": true, "defaultValue": []},
		"One": {"type": "String", "allowedValues": ["x", "y"], "defaultValue": "x"}}}`
	zip := archive(t, map[string]string{"blueprint.cfg": config, "layout.py": "def generate_layout(u, s): raise ValueError(sorted(u.items()))"})
	loose := glue.Unknowns{IgnoreAllowedValues: true, IgnoreUnknownParameters: true, LooseParameterTypes: true}
	tests := map[string]struct {
		reason     string
		parameters string
		behaviour  glue.Unknowns
		want       string // of InvalidInputException; empty: accepted
	}{
		"Defaults":      {reason: "defaultValue present ⇒ optional", parameters: `{"Name": "a"}`},
		"Missing":       {reason: "absent ⇒ mandatory", parameters: `{"N": 1}`, want: "parameter Name is required"},
		"Null":          {reason: "null is absent", parameters: `{"Name": null}`, want: "parameter Name is required"},
		"NotJSON":       {reason: "one JSON object as string", parameters: `{`, want: "Parameters is not a JSON object"},
		"NotAnObject":   {reason: "one JSON object as string", parameters: `[1]`, want: "Parameters is not a JSON object"},
		"StringAsInt":   {reason: "type per spec", parameters: `{"Name": "a", "N": "1"}`, want: "parameter N: must be of type Integer"},
		"FractionAsInt": {reason: "type per spec", parameters: `{"Name": "a", "N": 1.5}`, want: "parameter N: must be of type Integer"},
		"IntAsString":   {reason: "type per spec", parameters: `{"Name": 1}`, want: "parameter Name: must be of type String"},
		"IntAsDouble":   {reason: "type per spec", parameters: `{"Name": "a", "D": 2}`},
		"TextAsBoolean": {reason: "type per spec", parameters: `{"Name": "a", "B": "true"}`, want: "parameter B: must be of type Boolean"},
		"Collection":    {reason: "collection:true → JSON list of that type", parameters: `{"Name": "a", "List": [1, 2]}`},
		"OneForMany":    {reason: "collection:true → JSON list of that type", parameters: `{"Name": "a", "List": 1}`, want: "parameter List: must be a list of Integer"},
		"BadElement":    {reason: "collection:true → JSON list of that type", parameters: `{"Name": "a", "List": [1, "2"]}`, want: "parameter List: element 2 must be of type Integer"},
		"URI":           {reason: "type per spec", parameters: `{"Name": "a", "Uri": "https://x"}`, want: "parameter Uri: is not a valid S3Uri"},
		"RoleARN":       {reason: "type per spec", parameters: `{"Name": "a", "Arn": "glue"}`, want: "parameter Arn: is not a valid IAMRoleArn"},
		"RoleName":      {reason: "type per spec", parameters: `{"Name": "a", "Role": "a/b"}`, want: "parameter Role: is not a valid IAMRoleName"},
		"Bucket":        {reason: "type per spec", parameters: `{"Name": "a", "Bucket": "A_B"}`, want: "parameter Bucket: is not a valid S3Bucket"},
		"Allowed":       {reason: "allowedValues switchable", parameters: `{"Name": "a", "One": "y"}`},
		"NotAllowed":    {reason: "allowedValues switchable", parameters: `{"Name": "a", "One": "z"}`, want: "parameter One: must be one of [x y]"},
		"Unknown":       {reason: "enforcement of unknown parameters is unknown", parameters: `{"Name": "a", "Nmae": "z"}`, want: "parameter Nmae is not declared"},
		"AllAtOnce":     {reason: "every parameter is reported", parameters: `{"N": "1", "B": 1}`, want: "parameter B: must be of type Boolean; parameter N: must be of type Integer; parameter Name is required"},
		"Loose":         {reason: "each is a switch", behaviour: loose, parameters: `{"Name": "a", "One": "z", "Nmae": 1, "Uri": "x", "Arn": "x", "Role": "a/b", "Bucket": "_"}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *glue.Config) { c.Unknowns = tc.behaviour })
			s.register("b", s.upload("b.zip", zip))
			_, err := s.StartBlueprintRun(t.Context(), &sdk.StartBlueprintRunInput{
				BlueprintName: new("b"), RoleArn: new(roleARN), Parameters: &tc.parameters,
			})
			if tc.want == "" && err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
			if tc.want != "" {
				refused(t, err, "InvalidInputException", tc.want)
			}
		})
	}
}

// "user_params = declared params after defaults"; the generator of the test shows what it got in its error.
func TestGeneratorGetsDeclaredParametersAfterDefaults(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Unknowns.IgnoreUnknownParameters = true })
	s.register("b", s.upload("b.zip", archive(t, map[string]string{
		"blueprint.cfg": `{"layoutGenerator": "layout.generate_layout", "parameterSpec": {
			"Name": {"type": "String"}, "N": {"type": "Integer", "defaultValue": 3}, "L": {"type": "String", "collection": true, "defaultValue": ["a"]}}}`,
		"layout.py": "def generate_layout(u, s): raise ValueError(repr((sorted(u.items()), sorted(s.items()))))",
	})))
	run := s.runBlueprint("b", map[string]any{"Name": "é", "Other": 1})
	want := "Unknown error executing layout generator function ValueError: " +
		"([('L', ['a']), ('N', 3), ('Name', 'é')], [('accountId', '123456789012'), ('region', 'eu-west-1')])"
	if run.ErrorMessage == nil || *run.ErrorMessage != want {
		t.Errorf("got %v", *run.ErrorMessage)
	}
}

func TestParameterErrorsCanFailTheRun(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Unknowns.ParameterErrorsFailRun = true })
	s.register("single", s.upload("single_job.zip", archive(t, singleJob(t))))
	run := s.runBlueprint("single", map[string]any{"Role": "r"})
	if run.State != types.BlueprintRunStateFailed || *run.ErrorMessage != "parameter WorkflowName is required" {
		t.Errorf("%s: %v", run.State, *run.ErrorMessage)
	}
}
