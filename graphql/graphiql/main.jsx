// GraphiQL over the service that serves this page: its examples, its token, its subscriptions.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';

const EXAMPLES = JSON.parse(document.getElementById('examples').textContent);
const TOKEN = 'council:token';

function fetcherWith(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const address = new URL(location.pathname, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return createGraphiQLFetcher({
    url: location.pathname,
    headers,
    wsClient: createClient({ url: address.href, connectionParams: headers }),
  });
}

function Page() {
  // For as long as this tab is open, and for no other: GraphiQL keeps what is written into its own headers.
  const [token, setToken] = useState(sessionStorage.getItem(TOKEN) ?? '');
  const fetcher = useMemo(() => fetcherWith(token), [token]);
  const take = (event) => {
    event.preventDefault();
    const given = new FormData(event.target).get('token').trim();
    sessionStorage.setItem(TOKEN, given);
    setToken(given);
  };
  return (
    <>
      <form className="council-token" onSubmit={take}>
        <label>
          Token
          <input name="token" type="password" autoComplete="off" defaultValue={token} placeholder="none" />
        </label>
        <button type="submit">Use it</button>
      </form>
      <GraphiQL
        fetcher={fetcher}
        defaultTabs={EXAMPLES}
        defaultEditorToolsVisibility="variables"
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
      />
    </>
  );
}

createRoot(document.getElementById('graphiql')).render(<Page />);
