using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>Every decoder of this library that reads disk or wire, fed with wrong bytes: nothing is thrown, memory is bounded, and what is accepted is consistent.</summary>
public sealed class FuzzTests
{
    private static readonly Dictionary<string, (FuzzTarget Target, int Rounds)> Targets =
        FrameTargets.All.Concat(BlockTargets.All).Concat(TransferTargets.All).Concat(TextTargets.All).Concat(InfluxTargets.All).Concat(ProofTargets.All).ToDictionary(t => t.Target.Name);

    public static TheoryData<string> Names => [.. Targets.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Wrong_bytes_are_refused_and_nothing_worse(string name) => Fuzzer.Run(Targets[name].Target, Targets[name].Rounds);
}
