namespace ZfRepl.TestKit.Fuzzing;

/// <summary>An input that a decoder does not bear.</summary>
public sealed class FuzzFindingException : Exception
{
    internal FuzzFindingException(FuzzTarget target, string origin, byte[] input, string problem, Exception? cause)
        : base(Text(target, origin, input, problem), cause)
    {
    }

    private static string Text(FuzzTarget target, string origin, byte[] input, string problem) =>
        $"{target.Name}, {origin}: {problem}\nThe input has {input.Length} bytes. To keep it for ever:\n"
        + $"  mkdir -p tests/golden/fuzz/{target.Name} && xxd -r -p > tests/golden/fuzz/{target.Name}/SHORT-REASON.bin <<< {Convert.ToHexStringLower(input)}";
}
