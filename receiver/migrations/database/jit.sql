-- Each count in the views looks into the partition of every day. That takes microseconds, but is estimated as so much work
-- that PostgreSQL compiles the query first, which takes seconds for a page of sessions (measured with PostgreSQL 15).
do $$
begin
  if current_setting('jit')::boolean then
    execute format('alter database %I set jit = off', current_database());
  end if;
exception
  when insufficient_privilege then
    raise notice 'Only the owner of the database can switch JIT off for it; lists will be slower.';
end
$$;
