// Package statemachine holds Landfall's deploying flow in Amazon States Language.
// The state machine says when; the functions under lambdas/ say what.
package statemachine

import _ "embed"

// Definition is the state machine in JSONPath Amazon States Language.
// Its ${Placeholder} parts are function ARNs, the artifacts bucket and the topic, filled in at deployment
// (DefinitionSubstitutions).
//
//go:embed landing.asl.json
var Definition string
