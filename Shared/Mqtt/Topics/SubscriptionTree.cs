namespace ZfRepl.Mqtt.Topics;

/// <summary>
/// Who is subscribed to what: a tree with one node per level of the filters, so that a publication looks at the nodes along its topic instead
/// of at every subscription. Not thread-safe. Depth is bounded by the caller, who refuses filters with more than <see cref="LevelsMax"/> levels.
/// </summary>
internal sealed class SubscriptionTree<TSubscriber, TOptions>
    where TSubscriber : class
{
    /// <summary>Deeper filters are refused: each level costs a node and a stack frame.</summary>
    public const int LevelsMax = 64;

    private readonly Node _root = new();

    /// <summary>The number of subscriptions: pairs of filter and subscriber.</summary>
    public int Count { get; private set; }

    /// <summary>Adds or replaces; true when it is new.</summary>
    public bool Set(ReadOnlySpan<char> filter, TSubscriber subscriber, TOptions options)
    {
        var node = _root;
        var rest = filter;
        var isLast = false;
        while (!isLast)
        {
            node = node.ChildOrNew(MqttTopic.NextLevel(ref rest, out isLast));
        }

        node.Subscribers ??= [];
        var isNew = !node.Subscribers.ContainsKey(subscriber);
        node.Subscribers[subscriber] = options;
        Count += isNew ? 1 : 0;
        return isNew;
    }

    /// <summary>Takes a subscription out, and the nodes that only it needed; false when there was none.</summary>
    public bool Remove(ReadOnlySpan<char> filter, TSubscriber subscriber)
    {
        var removed = Remove(_root, filter, subscriber);
        Count -= removed ? 1 : 0;
        return removed;
    }

    /// <summary>Adds every subscription that matches <paramref name="name"/> to <paramref name="into"/>; one subscriber may appear repeatedly.</summary>
    public void Match(ReadOnlySpan<char> name, List<KeyValuePair<TSubscriber, TOptions>> into)
    {
        var levels = name;
        Match(_root, levels, MqttTopic.IsReserved(name), into);
    }

    private static void Match(Node node, ReadOnlySpan<char> rest, bool skipWildcards, List<KeyValuePair<TSubscriber, TOptions>> into)
    {
        if (!skipWildcards)
        {
            Take(node.Find("#"), into);
        }

        var level = MqttTopic.NextLevel(ref rest, out var isLast);
        Descend(node.Find(level), rest, isLast, into);
        if (!skipWildcards)
        {
            Descend(node.Find("+"), rest, isLast, into);
        }
    }

    private static void Descend(Node? node, ReadOnlySpan<char> rest, bool isLast, List<KeyValuePair<TSubscriber, TOptions>> into)
    {
        if (node is null)
        {
            return;
        }

        if (!isLast)
        {
            Match(node, rest, skipWildcards: false, into);
            return;
        }

        Take(node, into);
        // "sport/#" also matches "sport" itself (4.7.1.2).
        Take(node.Find("#"), into);
    }

    private static void Take(Node? node, List<KeyValuePair<TSubscriber, TOptions>> into)
    {
        if (node?.Subscribers is { } subscribers)
        {
            into.AddRange(subscribers);
        }
    }

    private static bool Remove(Node node, ReadOnlySpan<char> rest, TSubscriber subscriber)
    {
        var level = MqttTopic.NextLevel(ref rest, out var isLast);
        if (node.Find(level) is not { } child)
        {
            return false;
        }

        var removed = isLast ? child.Subscribers?.Remove(subscriber) is true : Remove(child, rest, subscriber);
        if (removed && child.IsEmpty)
        {
            node.Drop(level);
        }

        return removed;
    }

    private sealed class Node
    {
        private Dictionary<string, Node>? _children;

        public Dictionary<TSubscriber, TOptions>? Subscribers { get; set; }

        public bool IsEmpty => Subscribers is not { Count: > 0 } && _children is not { Count: > 0 };

        public Node? Find(ReadOnlySpan<char> level)
        {
            if (_children is null)
            {
                return null;
            }

            return _children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(level, out var child) ? child : null;
        }

        public Node ChildOrNew(ReadOnlySpan<char> level)
        {
            if (Find(level) is { } known)
            {
                return known;
            }

            var child = new Node();
            _children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            _children.Add(level.ToString(), child);
            return child;
        }

        public void Drop(ReadOnlySpan<char> level) => _children?.GetAlternateLookup<ReadOnlySpan<char>>().Remove(level);
    }
}
