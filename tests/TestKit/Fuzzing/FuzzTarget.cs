namespace ZfRepl.TestKit.Fuzzing;

/// <summary>One decoder under fuzzing.</summary>
/// <param name="Name">The decoder; its corpus is the folder <c>tests/golden/fuzz/NAME</c>.</param>
/// <param name="Samples">Valid inputs, from which the wrong ones are made. At least one.</param>
/// <param name="Run">Feeds an input to the decoder and throws where what comes out breaks a promise. Any exception is a finding.</param>
/// <param name="MemoryBytesMax">What decoding one input may allocate on its thread, in bytes.</param>
public sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Samples, Action<byte[]> Run, long MemoryBytesMax = FuzzTarget.MemoryBytesDefault)
{
    /// <summary>Enough for an honest small input; far too little for one that lies about its size.</summary>
    public const long MemoryBytesDefault = 8L * 1024 * 1024;

    /// <summary>The longest input that is made, in bytes.</summary>
    public int InputBytesMax { get; init; } = 64 * 1024;

    /// <summary>Repairs what a mutation breaks without use, such as a checksum, so that the decoder gets beyond it; null leaves inputs as they are.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <summary>Words of the format that mutations put in.</summary>
    public IReadOnlyList<byte[]> Words { get; init; } = [];

    public override string ToString() => Name;
}
