namespace ZfRepl.Hosting.Rpc;

/// <summary>What a parameter may hold, and so which accessor of <see cref="RpcCall"/> reads it.</summary>
public enum RpcType
{
    /// <summary>A text; a number is taken as its digits, since <c>i=7</c> on a command line arrives as a number.</summary>
    String,

    /// <summary>A whole number of 64 bits; <c>1000.0</c> counts as one.</summary>
    Integer,

    /// <summary>A finite number.</summary>
    Double,

    /// <summary>True or false.</summary>
    Bool,

    /// <summary>
    /// An instant: seconds since 1970 as a number, <c>[seconds, nanoseconds]</c>, or one of the texts of <see cref="TimeText"/>.
    /// </summary>
    Time,

    /// <summary>A text or a list of texts; a single text with commas is a list.</summary>
    Strings,

    /// <summary>An object with any content.</summary>
    Map,
}

/// <summary>A parameter of a method. Immutable.</summary>
/// <param name="Name">The name by which it is given.</param>
/// <param name="Type">What it may hold.</param>
/// <param name="Description">One sentence for operators, with unit and default.</param>
/// <param name="IsRequired">Whether a call without it is refused.</param>
public sealed record RpcParameter(string Name, RpcType Type, string Description, bool IsRequired = false)
{
    /// <summary>Least value of a number, included; null for none.</summary>
    public double? Minimum { get; init; }

    /// <summary>Greatest value of a number, included; null for none.</summary>
    public double? Maximum { get; init; }
}
