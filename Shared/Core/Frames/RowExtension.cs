namespace ZfRepl.Core.Frames;

/// <summary>What a row carries beyond item, time and value when it is out of the ordinary; bits of one byte.</summary>
internal static class RowExtension
{
    public const int None = 0;

    /// <summary>A status other than 1.</summary>
    public const int Status = 1;

    /// <summary>An OPC UA status code other than Good.</summary>
    public const int Quality = 2;

    /// <summary>Event flags.</summary>
    public const int Flags = 4;

    /// <summary>A counter that is not one more than the row before.</summary>
    public const int Counter = 8;

    /// <summary>Another boot number, with the counter in full.</summary>
    public const int Boot = 16;

    public const int All = Status | Quality | Flags | Counter | Boot;

    /// <summary>Set in the kind byte when an extension follows.</summary>
    public const int TagBit = 0x80;
}
