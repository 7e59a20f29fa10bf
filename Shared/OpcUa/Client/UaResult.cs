using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Why a call did not succeed.</summary>
/// <param name="Status">The status code, of the server or of the client itself.</param>
/// <param name="Reason">A sentence for people: what happened and, where it is known, what to do.</param>
public sealed record UaError(StatusCode Status, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Reason} ({Status})";
}

/// <summary>What a call brought: a value or an error, never both.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly struct UaResult<T>
{
    private readonly T _value;

    private UaResult(T value, UaError? error)
    {
        _value = value;
        Error = error;
    }

    /// <summary>Null when the call has succeeded.</summary>
    public UaError? Error { get; }

    /// <summary>True when there is a value.</summary>
    public bool IsOk => Error is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">The call has failed.</exception>
    public T Value => Error is null ? _value : throw new InvalidOperationException($"There is no value: {Error}");

    /// <summary>A value is a success.</summary>
    public static implicit operator UaResult<T>(T value) => new(value, null);

    /// <summary>An error is a failure.</summary>
    public static implicit operator UaResult<T>(UaError error) => new(default!, error);
}
