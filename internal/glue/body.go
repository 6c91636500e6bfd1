package glue

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// plainBody keeps a call from being made twice. The SDK closes a request's body
// as soon as the answer has begun. The WriteTo of a closed body returns io.EOF,
// which is an error there; net/http, which looks once more whether the body is at
// its end, takes it for a failed write and closes the connection under the answer
// (smithy-go 1.28.9, transport/http/internal/io). The SDK then repeats the call,
// although Glue has done it, and a second StartBlueprintRun is a second run. A
// body without a WriteTo is read instead, and its Read may return io.EOF.
func plainBody(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("PlainBody", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		request, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.DeserializeOutput{}, middleware.Metadata{}, fmt.Errorf("a request of type %T", in.Request)
		}
		if stream, ok := request.GetStream().(io.ReadSeeker); ok {
			plain, err := request.SetStream(struct{ io.ReadSeeker }{stream})
			if err != nil {
				return middleware.DeserializeOutput{}, middleware.Metadata{}, err
			}
			in.Request = plain
		}
		return next.HandleDeserialize(ctx, in)
	}), middleware.After)
}
