namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// The streams of a columns frame (docs/format.md, "Event columns"): bytes of one nature each, so that a general compressor finds one
/// distribution in each. The numbers are on disk; a stream that is not there is empty.
/// </summary>
internal static class ColumnStream
{
    /// <summary>For each series: bytes shared with the name before, bytes that follow.</summary>
    public const int NameLengths = 0;

    /// <summary>The bytes of names that follow.</summary>
    public const int Names = 1;

    /// <summary>For each series: events, less one.</summary>
    public const int Counts = 2;

    /// <summary>For each series: how its times are written, <see cref="TimeShape"/>.</summary>
    public const int TimeShapes = 3;

    /// <summary>For each series: where its times start, in its unit.</summary>
    public const int Starts = 4;

    /// <summary>For each series: nanoseconds to add to the start; no stream where all are 0.</summary>
    public const int StartRemainders = 5;

    /// <summary>For each series: whole units of its period, less those of the series before.</summary>
    public const int Periods = 6;

    /// <summary>For each series: the rest of the period in 1/65,536; no stream where all are 0.</summary>
    public const int PeriodFractions = 7;

    /// <summary>The low bytes of time residuals.</summary>
    public const int TimeLows = 8;

    /// <summary>Time residuals without low bytes; those of 1, 2 and 3 low bytes follow.</summary>
    public const int Times = 9;

    /// <summary>For each series: its kind, or <see cref="SeveralKinds"/>.</summary>
    public const int Kinds = 13;

    /// <summary>For series of several kinds: length and kind of each run.</summary>
    public const int KindRuns = 14;

    /// <summary>For each segment of scalars: how its values are written, <see cref="ValueShape"/>.</summary>
    public const int ValueShapes = 15;

    /// <summary>For each segment of decimals: its scale, with <see cref="HasExceptions"/>.</summary>
    public const int Scales = 16;

    /// <summary>For each segment of integers or decimals: its first value.</summary>
    public const int Firsts = 17;

    /// <summary>The low bytes of value differences.</summary>
    public const int ValueLows = 18;

    /// <summary>Value differences of class 0; those of the classes 1 to 7 follow.</summary>
    public const int Values = 19;

    /// <summary>Values that are no decimals of their segment's scale.</summary>
    public const int Exceptions = 27;

    /// <summary>For each value of XOR segments: which bytes are not zero.</summary>
    public const int XorShapes = 28;

    /// <summary>The bytes of XOR segments that are not zero.</summary>
    public const int XorBytes = 29;

    /// <summary>Lengths of runs of equal booleans.</summary>
    public const int BooleanRuns = 30;

    /// <summary>Lengths of runs of equal texts, bytes and composites.</summary>
    public const int ObjectRuns = 31;

    /// <summary>Texts, bytes and composites, one for each run.</summary>
    public const int Objects = 32;

    /// <summary>Runs of statuses; no stream where all are 1.</summary>
    public const int Statuses = 33;

    /// <summary>Runs of OPC UA status codes; no stream where all are 0.</summary>
    public const int Qualities = 34;

    /// <summary>Runs of event flags; no stream where all are 0.</summary>
    public const int Flags = 35;

    /// <summary>Identities in order of arrival.</summary>
    public const int Identities = 36;

    /// <summary>The order of arrival; no stream where it is the canonical one.</summary>
    public const int Order = 37;

    /// <summary>How many streams there are.</summary>
    public const int Count = 38;

    /// <summary>Stands for a kind where a series has several.</summary>
    public const byte SeveralKinds = 0xFF;

    /// <summary>Set in a scale when its segment has exceptions.</summary>
    public const byte HasExceptions = 0x80;

    /// <summary>The sub-version of the payload.</summary>
    public const byte Version = 1;

    /// <summary>
    /// The most bytes that all streams have together, uncompressed, and that texts, bytes and composites have when each is written as often as
    /// it occurs: not more than rows in a frame could have.
    /// </summary>
    public const int MaxRawBytes = FrameHeader.MaxFrameBytes;

    /// <summary>True for the streams of text, where a wide window of the compressor helps.</summary>
    public static bool IsText(int stream) => stream is NameLengths or Names or Objects;
}

/// <summary>How a stream is stored; the numbers are on disk.</summary>
internal static class StreamCompression
{
    public const int None = 0;
    public const int Brotli = 1;
}

/// <summary>How the times of a series are written; one byte: exponent of the unit (4 bits), mode (2 bits), low bytes (2 bits).</summary>
internal static class TimeShape
{
    /// <summary>The times of the series before.</summary>
    public const int Same = 0;

    /// <summary>Around a line: start + k * period.</summary>
    public const int Grid = 1;

    /// <summary>From one to the next: the time before + period.</summary>
    public const int Steps = 2;

    /// <summary>The greatest exponent: a second.</summary>
    public const int MaxExponent = 9;

    /// <summary>Nanoseconds by exponent.</summary>
    public static ReadOnlySpan<long> Units => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

    public static byte Make(int exponent, int mode, int lowBytes) => (byte)(exponent | (mode << 4) | (lowBytes << 6));
}

/// <summary>How the values of a segment are written; one byte: mode (3 bits), low bytes (2 bits), class (3 bits).</summary>
internal static class ValueShape
{
    /// <summary>All bits equal, as an integer.</summary>
    public const int Constant = 0;

    /// <summary>Differences of the bits as integers.</summary>
    public const int Integers = 1;

    /// <summary>Differences of the integers that divided by a power of ten give the values.</summary>
    public const int Decimals = 2;

    /// <summary>Bits XOR those of the value before.</summary>
    public const int Xor = 3;

    /// <summary>Runs, the first of 0.</summary>
    public const int Booleans = 4;

    /// <summary>All equal, as a decimal.</summary>
    public const int ConstantDecimal = 5;

    public static byte Make(int mode, int lowBytes = 0, int magnitude = 0) => (byte)(mode | (lowBytes << 3) | (magnitude << 5));
}
