package builder

import "errors"

// Exit codes by which the platform tells what failed.
const (
	codeDetect  = 222
	codeCompile = 223
	codeRelease = 224
	codeSupply  = 225
)

// failure is an error with the exit code of the phase that it happened in; 0 leaves the code to what is around it.
type failure struct {
	code    int
	message string
	cause   error
}

func (f *failure) Error() string {
	if f.cause == nil {
		return f.message
	}
	return f.message + ": " + f.cause.Error()
}

func (f *failure) Unwrap() error { return f.cause }

func fail(code int, message string, cause error) error {
	return &failure{code: code, message: message, cause: cause}
}

// ExitCode returns the exit code of the outermost failure that has one, else 1: a supply script that fails as
// part of the final buildpack's compilation is a compilation that failed.
func ExitCode(err error) int {
	var found *failure
	for errors.As(err, &found) {
		if found.code != 0 {
			return found.code
		}
		err = found.cause
	}
	return 1
}
