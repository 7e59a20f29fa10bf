namespace ZfRepl.Core.Telemetry;

/// <summary>An array of one element kind; it keeps its kind even when it is empty.</summary>
/// <param name="ElementKind">The kind of the elements; <see cref="ValueKind.Null"/> where each element carries its own.</param>
/// <param name="Items">The elements, the last dimension fastest.</param>
/// <param name="Dimensions">The lengths of the dimensions, or null for a plain array.</param>
public sealed record TelemetryArray(ValueKind ElementKind, TelemetryValue[] Items, int[]? Dimensions = null)
{
    /// <inheritdoc/>
    public bool Equals(TelemetryArray? other) =>
        other is not null
        && ElementKind == other.ElementKind
        && Items.AsSpan().SequenceEqual(other.Items)
        && Dimensions.AsSpan().SequenceEqual(other.Dimensions);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ElementKind, Items.Length);
}

/// <summary>Values by text keys, in order.</summary>
/// <param name="Keys">The keys.</param>
/// <param name="Items">The values, one for each key.</param>
public sealed record TelemetryMap(string[] Keys, TelemetryValue[] Items)
{
    /// <inheritdoc/>
    public bool Equals(TelemetryMap? other) =>
        other is not null && Keys.AsSpan().SequenceEqual(other.Keys) && Items.AsSpan().SequenceEqual(other.Items);

    /// <inheritdoc/>
    public override int GetHashCode() => Items.Length;
}
