using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Blocks;

/// <summary>What the scanner found next.</summary>
public enum ScanKind
{
    /// <summary>An intact frame.</summary>
    Frame,

    /// <summary>Bytes that are no intact frame, with something intact behind them, or at the end of a block that was sealed.</summary>
    Damage,

    /// <summary>Bytes at the end of a block that was never sealed, as a write that a crash cut short leaves them.</summary>
    Torn,

    /// <summary>The end of the file.</summary>
    End,
}

/// <summary>One finding of the scanner.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it starts in the file, in bytes.</param>
/// <param name="LengthBytes">How long it is, in bytes.</param>
/// <param name="Header">The frame's header; of bytes that are no intact frame the one they begin with, if that is intact, else all zero.</param>
/// <param name="Payload">The frame's payload, valid until the scanner goes on.</param>
/// <param name="Reason">What is wrong, for damage and torn tails.</param>
public readonly record struct ScanItem(
    ScanKind Kind, long Offset, long LengthBytes, FrameHeader Header, ReadOnlyMemory<byte> Payload, string? Reason);
