using System.Collections.Frozen;

namespace ZfRepl.Hosting.Rpc;

/// <summary>Carries out a call. Expected failures are results; the token ends when the caller is gone or the service stops.</summary>
/// <remarks>
/// An exception is a defect: it is logged and answered with <see cref="RpcErrorCode.Internal"/>, and the service goes on. Whoever finds
/// its own state broken ends the service from its RunAsync instead.
/// </remarks>
public delegate Task<RpcResult> RpcHandler(RpcCall call, CancellationToken cancellationToken);

/// <summary>The methods of one service. Filled by the service before it is ready, read by callers afterwards.</summary>
/// <remarks>Adding is for one thread and ends with the service's readiness; looking up is thread-safe.</remarks>
public sealed class RpcMethods
{
    private readonly Dictionary<string, RpcMethod> _methods = [];
    private volatile FrozenDictionary<string, RpcMethod>? _frozen;

    /// <summary>Adds a method.</summary>
    /// <param name="name">The method's name, such as <c>mailbox.list</c>.</param>
    /// <param name="description">One sentence for operators.</param>
    /// <param name="parameters">All parameters it takes; any other is refused before the handler is called.</param>
    /// <param name="handler">Carries out the call.</param>
    /// <exception cref="ArgumentException">The name is there already, or two parameters have the same name.</exception>
    /// <exception cref="InvalidOperationException">The service is ready, so callers may hold the list of methods already.</exception>
    public void Add(string name, string description, IReadOnlyList<RpcParameter> parameters, RpcHandler handler)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(handler);
        if (_frozen is not null)
        {
            throw new InvalidOperationException($"The method {name} was added after the service became ready.");
        }

        if (parameters.DistinctBy(p => p.Name).Count() != parameters.Count)
        {
            throw new ArgumentException($"Two parameters of {name} have the same name.", nameof(parameters));
        }

        _methods.Add(name, new RpcMethod(name, description, parameters, handler));
    }

    /// <summary>All methods by name, or null while the service is not ready.</summary>
    internal FrozenDictionary<string, RpcMethod>? Ready => _frozen;

    internal void Freeze() => _frozen = _methods.ToFrozenDictionary();
}

/// <summary>A row of the table.</summary>
internal sealed record RpcMethod(string Name, string Description, IReadOnlyList<RpcParameter> Parameters, RpcHandler Handler);
